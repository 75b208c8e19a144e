/* fit.h - does a model fit into a backend's memory? Asked before anything is allocated. */
#ifndef CORE_FIT_H
#define CORE_FIT_H

#include "core/backend.h"
#include "core/model.h"

struct fit {
    const struct backend_type *ops;
    struct backend *b;
    const struct model *m;
    const struct kv_shape *kv;
    int context, rows, outputs;  // rows of a pass; outputs: rows of the output layer, 0 for all
    const struct model *share;   // a model on the same backend, whose output layer and embedding may be the very same; or null
};

/* Bytes an engine will ask of the backend. */
size_t fit_bytes(const struct fit *f);

/* Fails with what is needed, what is free, and which --max-context or --quantize would fit. 0 where a backend does not say what is free. */
int fit_check(const struct fit *f, struct err *err);

#endif
