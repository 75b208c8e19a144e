/* A GGUF file: its parser, every typed lookup, and the tokenizer in its metadata. */
#include "core/gguf.h"
#include "core/tokenizer.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gguf g;
    struct err err = {""};
    if (gguf_parse(&g, "fuzz", data, size, &err)) return fuzz_refused(&err);
    unsigned sum = 0;
    for (uint64_t i = 0; i < g.value_count; i++) {
        char key[128];
        uint32_t u;
        float f;
        bool b;
        struct gguf_text text = {NULL, 0};
        snprintf(key, sizeof key, "%.*s", g.values[i].key.n > 100 ? 100 : (int)g.values[i].key.n, g.values[i].key.at);
        if (!gguf_u32(&g, key, false, 0, &u, &err)) sum += u;
        if (!gguf_f32(&g, key, false, 0, &f, &err)) sum += f > 0;
        if (!gguf_bool(&g, key, false, false, &b, &err)) sum += b;
        if (!gguf_string(&g, key, false, &text, &err))
            for (uint64_t k = 0; k < text.n; k++) sum += (unsigned char)text.at[k];
    }
    for (uint64_t i = 0; i < g.tensor_count; i++)
        for (size_t k = 0; g.tensors[i].data && k < g.tensors[i].bytes; k++) sum += ((const unsigned char *)g.tensors[i].data)[k];
    fuzz_keep(sum);
    struct tokenizer t;
    if (!tokenizer_open_gguf(&t, &g, &err)) {
        fuzz_tokenizer(&t);
        tokenizer_close(&t);
    }
    gguf_close(&g);
    return 0;
}
