/* kernels.c - which kernels this machine runs. */
#include "core/kernels.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

extern const struct kernels kernels_portable;

#if defined __x86_64__
extern const struct kernels kernels_avx512, kernels_avx2;

static bool has_avx2(void) { // every processor with AVX2 has F16C as well
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
static bool has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni");
}
#endif
static bool always(void) { return true; }

static const struct {
    const struct kernels *set;
    bool (*supported)(void);
} sets[] = { // best first
#if defined __x86_64__
    {&kernels_avx512, has_avx512},
    {&kernels_avx2, has_avx2},
#endif
    {&kernels_portable, always},
};
enum { SETS = sizeof sets / sizeof *sets };

const char *kernels_name(int i) { return i >= 0 && i < SETS ? sets[i].set->name : NULL; }

const struct kernels *kernels_find(const char *name) {
    for (int i = 0; i < SETS; i++)
        if (!strcmp(sets[i].set->name, name)) return sets[i].supported() ? sets[i].set : NULL;
    return NULL;
}

const struct kernels *kernels_best(void) {
    const char *asked = getenv("BANDITSPEC_KERNELS");
    const struct kernels *set = asked ? kernels_find(asked) : NULL;
    for (int i = 0; !set; i++)
        if (sets[i].supported()) set = sets[i].set;
    return set;
}
