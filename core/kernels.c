/* kernels.c - which kernels this machine runs. */
#include "core/kernels.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

extern const struct kernels kernels_portable;

#if defined __x86_64__
#include <cpuid.h>

extern const struct kernels kernels_avx512, kernels_avxvnni, kernels_avx2;

static bool has_avx2(void) { // every processor with AVX2 has F16C as well
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
static bool has_avxvnni(void) {
    unsigned a = 0, b = 0, c = 0, d = 0; // Intel SDM, CPUID leaf 7, sub-leaf 1, EAX bit 4
    return has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && a >> 4 & 1;
}
static bool has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni");
}
#endif
#if defined __aarch64__
#include <sys/auxv.h>

extern const struct kernels kernels_neon, kernels_dotprod;

static bool has_dotprod(void) { return getauxval(AT_HWCAP) >> 20 & 1; } // Linux asm/hwcap.h, HWCAP_ASIMDDP
#endif
static bool always(void) { return true; }

static const struct {
    const struct kernels *set;
    bool (*supported)(void);
} sets[] = { // best first
#if defined __x86_64__
    {&kernels_avx512, has_avx512},
    {&kernels_avxvnni, has_avxvnni},
    {&kernels_avx2, has_avx2},
#endif
#if defined __aarch64__
    {&kernels_dotprod, has_dotprod},
    {&kernels_neon, always},
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
