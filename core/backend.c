/* backend.c - every backend by its name: those of the program itself, and those in shared objects beside it.
 *
 * banditspec-NAME.so is looked for in the directory that the environment variable BANDITSPEC_BACKENDS names, and without it beside the
 * program and then where `make install` puts it. One package so serves machines with and without a card. */
#include "core/backend.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef LIBDIR
#define LIBDIR "/usr/local/lib/banditspec"
#endif

enum { PATH_MOST = 4096 };

static const struct backend_type *const backends[] = {&backend_cpu};
static const char *const loadable[] = {"cuda"};
static const struct backend_type *loaded; // never unloaded; one kind there is

/* The program's own directory, without the last slash. */
static void own_directory(char *out, size_t size) {
    ssize_t n = readlink("/proc/self/exe", out, size - 1);
    out[n > 0 ? n : 0] = 0;
    char *slash = strrchr(out, '/');
    if (slash) *slash = 0;
}

static const struct backend_type *load(const char *path, const char *name, struct err *err) {
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    backend_entry *entry = NULL;
    if (!object) {
        err_set(err, "cannot load backend '%s': %s", name, dlerror());
        return NULL;
    }
    void *symbol = dlsym(object, "banditspec_backend");
    memcpy(&entry, &symbol, sizeof entry); // ISO C knows no cast from an object to a function
    const struct backend_type *found = entry ? entry(BACKEND_VERSION) : NULL;
    if (!found) err_set(err, "'%s' was built from another version of this program, expected interface %d: run make GPU=1 again", path, BACKEND_VERSION);
    return loaded = found;
}

static const struct backend_type *find_object(const char *name, struct err *err) {
    const char *told = getenv("BANDITSPEC_BACKENDS");
    char own[PATH_MOST], path[PATH_MOST + 64];
    own_directory(own, sizeof own);
    const char *const places[] = {told && *told ? told : own, told && *told ? NULL : LIBDIR};
    for (int i = 0; i < 2 && places[i]; i++) {
        snprintf(path, sizeof path, "%s/banditspec-%s.so", places[i], name);
        if (!access(path, F_OK)) return load(path, name, err);
    }
    err_set(err, "backend '%s' is not installed: no banditspec-%s.so in '%s'%s%s%s (make GPU=1 builds it)", name, name, places[0], places[1] ? " or '" : "",
            places[1] ? places[1] : "", places[1] ? "'" : "");
    return NULL;
}

const struct backend_type *backend_find(const char *name, struct err *err) {
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
        if (!strcmp(backends[i]->name, name)) return backends[i];
    if (loaded && !strcmp(loaded->name, name)) return loaded;
    for (size_t i = 0; i < sizeof loadable / sizeof *loadable; i++)
        if (!strcmp(loadable[i], name)) return find_object(name, err);
    err_set(err, "unknown backend '%s' (this build has: cpu, and cuda where it is installed)", name);
    return NULL;
}
