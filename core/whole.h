/* whole.h - a file that appears under its name when it is whole, and leaves what was there before alone until then. */
#ifndef CORE_WHOLE_H
#define CORE_WHOLE_H

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

#endif
