/* bench_serving.c - how long a million requests of 200 tokens take to simulate on one core.
 *
 *   make bench        or        build/tests/bench_serving [REQUESTS]
 *
 * A synthetic trace (synth.h, drafters of 0.4 and 0.6 accepted a token), arms plain and drafter1 at 2, 4, 6, 8, batch 16, closed loop. Less
 * what a policy
 * itself takes, every policy costs the same a round; plain decoding has the most rounds. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sim/replay.h"
#include "sim/serving.h"
#include "tests/synth.h"
#include "tests/tempdir.h"

static int bench(const char *path, int requests, struct err *err) {
    static const char *const words[] = {"plain", "drafter1:2,4,6,8"}, *const policies[] = {"none", "fixed:arm=drafter1:4", "ucbspec"};
    const struct synth x = {.D = 2, .Q = 100, .max_new = 200, .L = 8, .seed = 1};
    const struct load load = {.requests = requests};
    struct trace t = {0};
    struct arms arms = {0};
    struct workload work = {0};
    struct cost cost;
    struct passes passes;
    int rc = synth_write(path, &x, err);
    if (!rc) rc = trace_open(&t, path, 0, err);
    if (!rc) rc = cost_fit(&cost, &t, err) || passes_fit(&passes, &t, err) || replay_arms(&arms, &t, words, 2, err) ? -1
        : workload_open(&work, &t, &load, 1, err);
    for (int i = 0; !rc && i < requests; i++) work.sequence[i] -= work.sequence[i] % 3 == 1,
        work.tokens[i] = t.sequences[work.sequence[i]].tokens; // those of 200
    for (int i = 0; !rc && i < 3; i++) {
        const struct serving s = {.trace = &t, .cost = &cost, .passes = &passes, .work = &work, .problem = replay_problem(&t, &arms),
                                  .policy = policies[i], .B = 16, .fresh = true};
        struct figures f;
        struct batch_total total;
        const clock_t start = clock(); // of the processor: the machine may be shared
        if ((rc = serving_run(&s, &f, &total, err))) break;
        const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC, tokens = (double)f.tokens;
        printf("%-24s %d requests, %.0f tokens in %.1f s of one core: %.0f ns a round\n", policies[i], requests, tokens, seconds,
               seconds / (double)total.rounds * 1e9);
        fflush(stdout);
    }
    workload_close(&work);
    arms_close(&arms);
    trace_close(&t);
    return rc;
}

int main(int argc, char **argv) {
    struct err err = {""};
    struct tempdir dir;
    if (tempdir_open(&dir)) return perror("bench_serving: a temporary directory"), 1;
    int rc = bench(tempdir_file(&dir, "trace.db"), argc > 1 ? atoi(argv[1]) : 1000000, &err);
    tempdir_close(&dir);
    if (rc) fprintf(stderr, "bench_serving: %s\n", err.text);
    return rc != 0;
}
