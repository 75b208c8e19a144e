/* plugin.c - see plugin.h. The only file here that loads code. */
#include "policies/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#ifdef __ELF__
#include <link.h>
#endif

#define SYMBOL "banditspec_policy_plugin"

static void *loaded[POLICY_ADDED]; // for the rest of the process
static int loaded_n;

/* What went wrong, without the path that dlerror puts before it. */
static const char *reason(const char *path) {
    const char *why = dlerror();
    size_t n = strlen(path);
    if (!why) return "no reason given";
    return strncmp(why, path, n) || strncmp(why + n, ": ", 2) ? why : why + n + 2;
}

static int check_sizes(const struct policy_plugin *x, const char *path, struct err *err) {
    static const struct { const char *name; uint32_t size; } ours[] = {
#define OURS(name) {#name, sizeof(struct name)},
        POLICY_STRUCTS(OURS)
#undef OURS
    };
    for (int i = 0; i < POLICY_SIZES; i++)
        if (x->size[i] != ours[i].size)
            return err_set(err, "plug-in '%s' has a struct %s of %u bytes, this program one of %u: rebuild it with this program's header",
                           path, ours[i].name, x->size[i], ours[i].size);
    return 0;
}

static int plugin_add(void *handle, const char *path, struct err *err) {
    const struct policy_plugin *x = dlsym(handle, SYMBOL);
    if (!x) return err_set(err, "plug-in '%s' has no symbol " SYMBOL ": its source ends in POLICY_PLUGIN(...)", path);
    if (x->abi != POLICY_ABI)
        return err_set(err, "plug-in '%s' was built for policy ABI %u, this program has %d: rebuild it", path, x->abi, POLICY_ABI);
    if (check_sizes(x, path, err)) return ERR_FAILED;
    if (!x->policy) return err_set(err, "plug-in '%s' holds no policy", path);
    return policy_add(x->policy, path, err);
}

/* Are the segments that dlopen will map all there? Touching what a cut file lacks would end the process. */
static bool whole(FILE *f) {
#ifdef __ELF__
    ElfW(Ehdr) head;
    ElfW(Phdr) segment;
    if (fread(&head, sizeof head, 1, f) != 1 || memcmp(head.e_ident, ELFMAG, SELFMAG)) return true; // dlopen says why not
    fseek(f, 0, SEEK_END);
    size_t size = (size_t)ftell(f);
    for (size_t i = 0; i < head.e_phnum; i++) {
        size_t at = (size_t)head.e_phoff + i * sizeof segment;
        if (at > size || fseek(f, (long)at, SEEK_SET) || fread(&segment, sizeof segment, 1, f) != 1) return false;
        if (segment.p_offset > size || segment.p_filesz > size - segment.p_offset) return false;
    }
#endif
    return (void)f, true;
}

static int plugin_load(const char *path, struct err *err) {
    char local[4096];
    FILE *f = fopen(path, "rb"); // dlopen's own words for a missing file are about search paths
    if (!f) return err_set(err, "cannot open plug-in '%s': %s", path, strerror(errno));
    bool good = whole(f);
    fclose(f);
    if (!good) return err_set(err, "plug-in '%s' is cut short", path);
    if (snprintf(local, sizeof local, "%s%s", strchr(path, '/') ? "" : "./", path) >= (int)sizeof local)
        return err_set(err, "plug-in path '%.64s...' is too long", path);
    void *handle = dlopen(local, RTLD_NOW | RTLD_LOCAL);
    if (!handle) return err_set(err, "plug-in '%s' does not load: %s", path, reason(local));
    int rc = 0, i = 0;
    while (i < loaded_n && loaded[i] != handle) i++; // dlopen tells files apart, whatever they are called
    if (i == loaded_n && !(rc = plugin_add(handle, path, err))) loaded[loaded_n++] = handle;
    else dlclose(handle);
    return rc;
}

int plugins_load(const char *const *paths, int n, struct err *err) {
    int rc = 0;
    for (int i = 0; !rc && i < n; i++) rc = plugin_load(paths[i], err);
    return rc;
}
