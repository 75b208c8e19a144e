/* A safetensors file, or (when it begins with '{') an index of shards. */
#include <jansson.h>

#include "core/checkpoint.h"
#include "core/safetensors.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct err err = {""};
    if (size && *data == '{') {
        void *root;
        if (checkpoint_parse_index("fuzz", (const char *)data, size, &root, &err)) return fuzz_refused(&err);
        json_decref(root);
        return 0;
    }
    struct safetensors s;
    if (safetensors_parse(&s, "fuzz", data, size, &err)) return fuzz_refused(&err);
    unsigned sum = 0;
    for (size_t i = 0; i < s.count; i++)
        for (size_t k = 0; s.tensors[i].data && k < s.tensors[i].bytes; k++) sum += ((const unsigned char *)s.tensors[i].data)[k];
    fuzz_keep(sum);
    safetensors_close(&s);
    return 0;
}
