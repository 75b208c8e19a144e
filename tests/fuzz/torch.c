/* A zip of torch.save, or (when it is no zip) the pickle inside one. */
#include "core/pickle.h"
#include "core/torch.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct err err = {""};
    if (size < 2 || memcmp(data, "PK", 2)) {
        struct pickle p;
        if (pickle_parse(&p, "fuzz", data, size, &err)) return fuzz_refused(&err);
        pickle_close(&p);
        return 0;
    }
    struct torch t;
    if (torch_parse(&t, "fuzz", data, size, &err)) return fuzz_refused(&err);
    unsigned sum = 0;
    for (size_t i = 0; i < t.count; i++)
        for (size_t k = 0; t.tensors[i].data && k < t.tensors[i].bytes; k++) sum += ((const unsigned char *)t.tensors[i].data)[k];
    fuzz_keep(sum);
    torch_close(&t);
    return 0;
}
