/* replay.c - runs a fuzz target over files: REPLAY FILE... An input may take no more memory than its size warrants. */
#include <stdbool.h>
#include <sys/resource.h>

#include "tests/fuzz/fuzz.h"

enum { BYTES_A_BYTE = 400, SLACK = 64 << 20 };

static long peak_bytes(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss * 1024;
}

static bool replay(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) return false;
    fseek(f, 0, SEEK_END);
    size_t size = (size_t)ftell(f);
    rewind(f);
    uint8_t *exact = malloc(size ? size : 1); // AddressSanitizer sees the first byte read past the end
    bool whole = fread(exact, 1, size, f) == size;
    fclose(f);
    long before = peak_bytes();
    if (whole) LLVMFuzzerTestOneInput(exact, size);
    long grown = peak_bytes() - before;
    free(exact);
    if (grown > (long)size * BYTES_A_BYTE + SLACK) {
        fprintf(stderr, "%s: %zu bytes made memory grow by %ld\n", path, size, grown);
        return false;
    }
    return whole;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (!replay(argv[i])) return fprintf(stderr, "%s failed\n", argv[i]), 1;
    return 0;
}
