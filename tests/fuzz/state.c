/* A policy's learned state: a file as it is, or (first byte odd) a sound one with bytes changed, cut and sealed anew, three bytes a
 * change. */
#include "policies/state_file.h"
#include "tests/fuzz/fuzz.h"

enum { K = 3, ROUNDS = 5 };

static const struct arm arms[K] = {{.drafter = -1, .name = "plain"}, {.gamma = 2, .name = "pld:2"}, {.gamma = 4, .name = "pld:4"}};
static const struct problem problem = {.K = K, .D = 1, .L = 4, .arms = arms};

/* The length and the checksum a writer would have put there. */
static void seal(uint8_t *bytes, size_t n) {
    uint64_t hash = 14695981039346656037u;
    for (int i = 0; i < 8; i++) bytes[16 + i] = (uint8_t)((uint64_t)n >> 8 * i);
    for (size_t i = 0; i < n - 8; i++) hash = (hash ^ bytes[i]) * 1099511628211u;
    for (int i = 0; i < 8; i++) bytes[n - 8 + (size_t)i] = (uint8_t)(hash >> 8 * i);
}

/* Whatever is accepted is what would be written again. */
static void try_bytes(struct agent *a, const uint8_t *bytes, size_t n) {
    struct err err = {""};
    if (state_read(a, bytes, n, "fuzz.state", &err)) {
        fuzz_refused(&err);
        return;
    }
    uint8_t *again = malloc(state_write(a, NULL));
    if (state_write(a, again) != n || memcmp(again, bytes, n)) abort();
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct agent a;
    struct err err = {""};
    if (agent_open(&a, "thompson", &problem, &err)) abort();
    try_bytes(&a, data, size);
    if (size && data[0] % 2) {
        for (uint32_t t = 0; t < ROUNDS; t++) {
            struct rng r = rng_at(1, 1, 0, t);
            int arm = agent_select(&a, &r);
            agent_update(&a, &(struct outcome){.arm = arm, .gamma = arms[arm].gamma, .proposed = arms[arm].gamma, .emitted = 1,
                .draft_s = 1e-3, .verify_s = 1e-2});
        }
        size_t n = state_write(&a, NULL), left;
        uint8_t *bytes = malloc(n);
        state_write(&a, bytes);
        for (size_t i = 1; i + 2 < size; i += 3) bytes[(size_t)(data[i] | data[i + 1] << 8) % n] = data[i + 2];
        left = data[0] / 2 % 64 ? n - data[0] / 2 % 64 : n;
        uint8_t *exact = malloc(left);
        memcpy(exact, bytes, left);
        seal(exact, left);
        try_bytes(&a, exact, left);
        free(bytes), free(exact);
    }
    agent_close(&a);
    return 0;
}
