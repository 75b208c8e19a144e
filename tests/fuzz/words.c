/* Words of the command line: arms, a drafter, a policy with its parameters, a grid; one a line. */
#include "core/drafter.h"
#include "core/mem.h"
#include "policies/arms.h"
#include "policies/policy.h"
#include "tests/fuzz/fuzz.h"

enum { WORDS = 8, GRID = 64, K = 3 };

static void try_policy(const char *spec) {
    static const struct arm arms[K] = {{.drafter = -1}, {.drafter = 0, .gamma = 2}, {.drafter = 0, .gamma = 4}};
    const struct problem p = {.K = K, .D = 1, .L = 4, .arms = arms};
    struct agent a;
    struct err err = {""};
    struct rng r = rng_at(1, 1, 0, 0);
    if (agent_open(&a, spec, &p, &err)) {
        if (!err.text[0] || strchr(err.text, '\n')) abort();
        return;
    }
    for (int i = 0; i < 20; i++) {
        int arm = agent_select(&a, &r);
        if (arm < 0 || arm >= K) abort();
        agent_update(&a, &(struct outcome){.arm = arm, .gamma = arms[arm].gamma, .proposed = arms[arm].gamma, .emitted = 1, .draft_s = 1e-3, .verify_s = 1e-2});
    }
    agent_close(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 4096) return 0;
    char *text = malloc(size + 1);
    const char *words[WORDS], *drafters[] = {"pld", "sam"};
    memcpy(text, data, size);
    text[size] = 0;
    int n = 0;
    for (char *at = strtok(text, "\n"); at && n < WORDS; at = strtok(NULL, "\n")) words[n++] = at;
    struct arms arms;
    struct err err = {""};
    char *grid[GRID];
    if (n && !arms_parse(&arms, words, n, drafters, 2, 8, &err)) arms_close(&arms);
    for (int i = 0; i < n; i++) {
        struct drafter d;
        if (!drafter_open(&d, words[i], &err)) drafter_close(&d);
        int count = policy_grid(words[i], grid, GRID, &err);
        for (int k = 0; k < count; k++) try_policy(grid[k]), mem_free(grid[k]);
    }
    free(text);
    return 0;
}
