/* backend.c - every backend, one line each. */
#include "core/backend.h"

#include <string.h>

static const struct backend_type *const backends[] = {&backend_cpu};

const struct backend_type *backend_find(const char *name, struct err *err) {
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
        if (!strcmp(backends[i]->name, name)) return backends[i];
    err_set(err, "unknown backend '%s' (this build has: cpu)", name);
    return NULL;
}
