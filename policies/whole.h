/* whole.h - the check of parameters that count something. */
#ifndef POLICIES_WHOLE_H
#define POLICIES_WHOLE_H

#include <math.h>

#include "core/err.h"

static inline int whole(const char *policy, const char *param, double value, struct err *err) {
    return value == floor(value) ? 0 : err_set(err, "policy '%s': '%s' wants a whole number, got '%g'", policy, param, value);
}

#endif
