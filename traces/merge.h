/* merge.h - recordings of several files into one: what several recorders made of disjoint prompts becomes one trace. */
#ifndef TRACES_MERGE_H
#define TRACES_MERGE_H

#include <stdint.h>

#include "core/err.h"

struct merged {
    int64_t recordings;      // new in the file
    int64_t sequences, same; // taken; there already, token for token and count for count
    int64_t renumbered;      // taken under another ordinal, as theirs was another prompt's
};

/* Takes every recording of `from` into `path`, which is made if it is not there. A recording that equals one of the file in all that shapes its
 * text and its timings (store.h) goes on there, any other is added. A prompt that both have must have the same tokens and the same accepted
 * lengths; timings of the one that was there first stay. All of `from`, or nothing: an error leaves `path` as it was. `from` must be whole
 * (check.h). Adds to *m. */
int merge_trace(const char *path, const char *from, struct merged *m, struct err *err);

#endif
