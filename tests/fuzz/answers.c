/* Answer files of Spec-Bench and EAGLE. */
#include "tests/fuzz/fuzz.h"
#include "traces/answers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct answers a = {0};
    struct err err = {""};
    FILE *f = size ? fmemopen((void *)data, size, "rb") : NULL;
    if (!f) return 0;
    unsigned sum = 0;
    if (!answers_read(&a, "fuzz", f, LENGTHS_PLAIN, &err)) {
        for (int i = 0; i < a.n; i++) {
            if (a.at[i].rounds < 0) abort();
            sum += (unsigned)a.at[i].rounds;
        }
        answers_close(&a);
    } else fuzz_refused(&err);
    rewind(f);
    a = (struct answers){0}, err = (struct err){""};
    int rc = answers_read(&a, "fuzz", f, LENGTHS_AUTO, &err);
    fclose(f);
    if (rc) return fuzz_refused(&err);
    for (int i = 0; i < a.n; i++)
        for (int k = 0; k < a.at[i].rounds; k++) {
            if (a.at[i].accepted[k] < 0 || a.at[i].accepted[k] > a.L) abort();
            sum += (unsigned)a.at[i].accepted[k];
        }
    fuzz_keep(sum);
    answers_close(&a);
    return 0;
}
