/* Prompts as JSON Lines. */
#include "tests/fuzz/fuzz.h"
#include "traces/prompts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct prompts p;
    struct err err = {""};
    if (prompts_parse(&p, "fuzz", (const char *)data, size, 0, &err)) return fuzz_refused(&err);
    unsigned sum = 0;
    for (int i = 0; i < p.n; i++) {
        sum += (unsigned)strlen(p.at[i].question) + (unsigned)strlen(p.at[i].category) + (p.at[i].text ? (unsigned)strlen(p.at[i].text) : 0);
        for (int k = 0; k < p.at[i].n; k++) sum += (unsigned)p.at[i].ids[k];
    }
    fuzz_keep(sum);
    prompts_close(&p);
    return 0;
}
