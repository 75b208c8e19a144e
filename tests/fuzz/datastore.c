/* A datastore: its checks, and look-ups in whatever passes them (a hostile file may hold its suffixes in any order). */
#include <stdlib.h>
#include <unistd.h>

#include "core/datastore.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct datastore d;
    struct err err = {""};
    if (datastore_parse(&d, "fuzz", data, size, &err)) return fuzz_refused(&err);
    unsigned sum = 0;
    for (size_t i = 0; i < d.n && i < 64; i++)
        for (int n = 1; n < 4 && i + (size_t)n <= d.n; n++) {
            struct datastore_range r = datastore_find(&d, (const int *)d.token + i, n);
            size_t count;
            for (int k = 0; k < 8 && r.from < r.to; k++) {
                int token = datastore_next(&d, &r, n + k, &count);
                if (token < 0) break;
                sum += (unsigned)token;
            }
        }
    fuzz_keep(sum);
    datastore_close(&d);
    return 0;
}
