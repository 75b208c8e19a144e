/* whole.h - a file that appears under its name when it is whole, and leaves what was there before alone until then. */
#ifndef CORE_WHOLE_H
#define CORE_WHOLE_H

#include <stdbool.h>
#include <stdio.h>

#include "core/err.h"

struct whole {
    char path[4096], part[4096 + 8];
    FILE *to;
};

/* path "-" or null: standard output. A device or pipe is written as it is. */
int whole_begin(struct whole *f, const char *path, struct err *err);

/* rc: how writing went; anything but 0 drops the file. Returns rc, or why it could not be finished. */
int whole_end(struct whole *f, int rc, struct err *err);

/* Are both the same regular file, by whatever name? */
bool whole_same(const char *a, const char *b);

/* Refuses an output that is what is read, or is written beside it under that name. Either may be null; "-" is standard output. */
int whole_apart(const char *out, const char *in, struct err *err);

#endif
