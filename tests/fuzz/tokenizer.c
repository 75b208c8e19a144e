/* A tokenizer.json. */
#include "core/tokenizer.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct tokenizer t;
    struct err err = {""};
    if (tokenizer_parse_json(&t, "fuzz", (const char *)data, size, NULL, 0, &err)) return fuzz_refused(&err);
    fuzz_tokenizer(&t);
    tokenizer_close(&t);
    return 0;
}
