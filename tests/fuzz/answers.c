/* Answer files of Spec-Bench and EAGLE. */
#include "tests/fuzz/fuzz.h"
#include "traces/answers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct answers a = {0};
    struct err err = {""};
    FILE *f = size ? fmemopen((void *)data, size, "rb") : NULL;
    if (!f) return 0;
    int rc = answers_read(&a, "fuzz", f, LENGTHS_AUTO, &err);
    fclose(f);
    if (rc) return fuzz_refused(&err);
    unsigned sum = 0;
    for (int i = 0; i < a.n; i++)
        for (int k = 0; k < a.at[i].rounds; k++) {
            if (a.at[i].accepted[k] < 0 || a.at[i].accepted[k] > a.L) abort();
            sum += (unsigned)a.at[i].accepted[k];
        }
    fuzz_keep(sum);
    answers_close(&a);
    return 0;
}
