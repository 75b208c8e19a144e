/* column.h - a column of a trace: in memory, or in a file that the system pages in and out where it would not fit.
 *
 * Replay reads a trace sequence by sequence, so a column in an unlinked temporary file streams: the pages of a sequence come when it
 * is played and go when memory is wanted. That is chosen when the two columns would take more than half of the machine's memory; the
 * environment variable BANDITSPEC_COLUMN_MEMORY (bytes a column) sets another bound. The file lies in TMPDIR, or /tmp: on a disk, not in memory. */
#ifndef TRACES_COLUMN_H
#define TRACES_COLUMN_H

#include <stddef.h>

#include "core/err.h"

/* n zeroed bytes; null with `err` set. *mapped: 0, or what column_free has to unmap. */
void *column_alloc(size_t n, size_t *mapped, const char *what, struct err *err);
void column_free(void *column, size_t mapped); // null is fine

#endif
