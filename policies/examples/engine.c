/* engine.c - an inference engine that asks BanditSpec how to speculate. Drafting and verifying are made up here.
 *
 *   cc -o engine policies/examples/engine.c $(pkg-config --cflags --libs banditspec-policy)
 *   ./engine thompson learned.state */
#include <banditspec_policy.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SEQUENCES = 20, TOKENS = 128 };

/* Where an engine drafts `gamma` tokens with `drafter` and has the target verify them: how many were accepted, and how long that took. */
static int draft_and_verify(int drafter, int gamma, double *draft_s, double *verify_s) {
    static unsigned noise = 1;
    static const unsigned accepts[] = {45, 80}; // percent, of pld and of small
    int accepted = 0, right = 1;
    for (int i = 0; i < gamma; i++) {
        noise = noise * 1103515245u + 12345u;
        right = right && (noise >> 16) % 100 < accepts[drafter];
        accepted += right;
    }
    *draft_s = drafter == 1 ? 0.003 * gamma : 0;
    *verify_s = 0.03 + 0.001 * gamma;
    return accepted;
}

static int fail(const char *what) {
    fprintf(stderr, "engine: %s: %s\n", what, bsp_error());
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 3) return fprintf(stderr, "usage: engine POLICY STATE\n"), 2;
    const char *path = argv[2];
    bsp_policy *p = bsp_create(argv[1], "pld small", 8, "plain pld:2,4 small:2,4,8", 1, 0);
    if (!p) return fail(argv[1]);
    if (access(path, F_OK) == 0 && bsp_load(p, path)) return fail("load");
    double seconds = 0;
    long tokens = 0;
    for (int sequence = 0; sequence < SEQUENCES; sequence++) {
        if (bsp_begin(p, 0, (uint32_t)sequence)) return fail("begin");
        for (int pos = 1; pos < TOKENS;) {
            struct bsp_view view = {.size = sizeof view, .pos = pos, .prompt_tokens = 50, .max_new = TOKENS, .batch = 1};
            struct bsp_arm arm = {.size = sizeof arm};
            int chosen = bsp_select(p, &view);
            if (chosen < 0 || bsp_arm(p, chosen, &arm)) return fail("select");
            struct bsp_round round = {.size = sizeof round, .arm = chosen,
                .gamma = arm.gamma < TOKENS - pos - 1 ? arm.gamma : TOKENS - pos - 1};
            round.proposed = round.gamma;
            round.accepted = draft_and_verify(arm.drafter, round.gamma, &round.draft_s, &round.verify_s);
            pos += round.accepted + 1;
            tokens += round.accepted + 1;
            seconds += round.draft_s + round.verify_s;
            if (pos < TOKENS && bsp_update(p, &round)) return fail("update"); // the round that ends a sequence is not fed back
        }
    }
    printf("%s: %ld tokens at %.1f a second, plain decoding 33.3\n", bsp_spec(p), tokens, (double)tokens / seconds);
    if (bsp_save(p, path)) return fail("save");
    bsp_free(p);
    return 0;
}
