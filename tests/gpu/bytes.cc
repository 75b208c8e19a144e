/* bytes.cc - counts what each kernel reads and writes of device memory at the shapes of decoding LLaMA-3-8B (roofline.sh builds it).
 *
 * least: what the job needs, once each: its inputs and outputs, weights as the file stores them. DRAM: the 32-byte sectors that a launch
 * touches, once each for reading and once for writing. L2: the same a block, summed over the blocks. Prints the table of gpu/README.md;
 * exit code 1 when a kernel moves more than 1.15 of the least. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vector>

#include "gpu/emu/cuemu.h"
#include "gpu/kernels.h"

static char *lo, *hi; // all device memory, one block
static size_t used;
static std::vector<unsigned> seen[2], block[2]; // by sector, reading and writing: launch and block that touched it last
static unsigned launch_now = 1;
static double dram, l2;

static void touch(const void *p, size_t n, int writes) {
    const char *c = (const char *)p;
    if (c < lo || c >= hi) return;
    const unsigned here = launch_now * 65536 + blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    for (size_t s = (size_t)(c - lo) / 32; s <= (size_t)(c + n - 1 - lo) / 32; s++) {
        if (seen[writes][s] != launch_now) seen[writes][s] = launch_now, dram += 32;
        if (block[writes][s] != here) block[writes][s] = here, l2 += 32;
    }
}

#define HOOK(n) \
    extern "C" void __asan_load##n##_noabort(const void *p) { touch(p, n, 0); } \
    extern "C" void __asan_store##n##_noabort(const void *p) { touch(p, n, 1); }
HOOK(1) HOOK(2) HOOK(4) HOOK(8) HOOK(16)
extern "C" void __asan_loadN_noabort(const void *p, size_t n) { touch(p, n, 0); }
extern "C" void __asan_storeN_noabort(const void *p, size_t n) { touch(p, n, 1); }
extern "C" void __asan_handle_no_return() {}

template <class T> static T *take(size_t n) {
    used = (used + 255) / 256 * 256;
    T *p = (T *)(lo + used);
    used += n * sizeof(T);
    if (lo + used > hi) exit(2);
    return p;
}
static float *reals(size_t n) {
    float *x = take<float>(n);
    for (size_t i = 0; i < n; i++) x[i] = (float)(rand() % 2001 - 1000) / 1000;
    return x;
}

static int over;

static void report(const char *name, int n, double least) {
    const double ratio = dram / least;
    printf("| %-34s | %d | %9.1f | %9.1f | %.2f | %9.1f |\n", name, n, least / 1e3, dram / 1e3, ratio, l2 / 1e3);
    over += ratio > 1.15;
    launch_now++, dram = l2 = 0;
}

enum { HIDDEN = 4096, FF = 14336, HEADS = 32, KV_HEADS = 8, DIM = 128, CONTEXT = 2048, VOCAB = 128256 };

static void product(const char *name, int kind, double bits, int n) {
    const int rows = 1024;
    struct activation a = {take<int8_t>((size_t)n * HIDDEN), take<int8_t>((size_t)n * HIDDEN), take<uint4>((size_t)n * HIDDEN / 32)};
    float *x = reals((size_t)n * HIDDEN), *y = take<float>((size_t)n * rows);
    quantize_rows(0, x, n, HIDDEN, &a);
    launch_now++, dram = l2 = 0;
    struct product p = {memset(take<char>(pack_bytes(kind, rows, HIDDEN)), 0x11, pack_bytes(kind, rows, HIDDEN)), y, rows};
    multiply(0, kind, 1, &p, HIDDEN, &a, n);
    report(name, n, rows * (double)HIDDEN * bits / 8 + n * (HIDDEN * 1.5 + rows * 4.0));
}

/* What the kernels beside the library's product move is counted; the product itself reads its operands and writes its result once. */
static void library(const char *name, int kind, double bytes, int n) {
    enum { TILE = 32 };
    float *x = reals((size_t)n * HIDDEN), *scale = take<float>(TILE), *y = take<float>((size_t)n * HIDDEN), *sum = reals((size_t)2 * TILE * HIDDEN);
    void *split = take<float>((size_t)TILE * HIDDEN);
    gemm_split(0, kind, x, n, HIDDEN, TILE, split, scale);
    gemm_join(0, kind, sum, n, HIDDEN, TILE, scale, y);
    const double weights = (double)HIDDEN * HIDDEN * bytes, columns = kind == PACK_F32 ? TILE : 2 * TILE;
    dram += weights + columns * HIDDEN * bytes + columns * HIDDEN * 4.0;
    report(name, n, weights + n * (HIDDEN * 4.0 * 2));
}

int main() {
    const size_t bytes = (size_t)160 << 20;
    cudaMalloc((void **)&lo, bytes);
    hi = lo + bytes;
    for (int i = 0; i < 2; i++) seen[i].resize(bytes / 32), block[i].resize(bytes / 32);
    printf("| kernel | rows | least, kB | DRAM, kB | ratio | L2, kB |\n|---|---|---|---|---|---|\n");
    for (int n : {1, 5}) {
        used = 0;
        int *ints = take<int>(256), *token = ints, *slot = ints + 16, *pos = ints + 32, *cell = ints + 48, *prefix = ints + 64, *path_at = ints + 80, *path = ints + 96;
        struct run *run = (struct run *)take<int>(8);
        for (int i = 0, at = 0; i < n; i++) {
            token[i] = 7 * i, slot[i] = 0, pos[i] = cell[i] = CONTEXT + i, prefix[i] = CONTEXT, path_at[i] = at;
            for (int k = 0; k <= i; k++) path[at++] = CONTEXT + k;
            path_at[i + 1] = at;
        }
        *run = {0, n, attention_part(CONTEXT + 1), CONTEXT + n};
        const struct rows rows = {n, n, 1, token, slot, pos, cell, prefix, token, path_at, path, NULL, NULL, run};
        float *x = reals((size_t)n * FF), *y = reals((size_t)n * FF), *out = take<float>((size_t)n * FF), *w = reals(HIDDEN);
        const double row = n * HIDDEN * 4.0;

        norm_rows(0, x, w, n, HIDDEN, 1e-5f, out);
        report("RMS norm, 4096", n, 2 * row + HIDDEN * 4.0);
        add_to(0, x, y, n, HIDDEN);
        dram += row, l2 += row; // an update in place is one call of the hooks, its store
        report("add, 4096", n, 3 * row);
        gate_rows(0, x, y, n, FF, out);
        report("gate, 14336", n, 3 * n * FF * 4.0);
        struct activation a = {take<int8_t>((size_t)n * HIDDEN), take<int8_t>((size_t)n * HIDDEN), take<uint4>((size_t)n * HIDDEN / 32)};
        for (int i = 0; i < n * HIDDEN; i++) x[i] = (float)(i % 61 - 30);
        quantize_rows(0, x, n, HIDDEN, &a);
        report("int8 activations, 4096", n, row + n * HIDDEN * 1.5);
        void *table = take<char>((size_t)1024 * HIDDEN * 2);
        embed_rows(0, PACK_BF16, table, HIDDEN, &rows, out);
        report("embedding BF16, 4096", n, row * 1.5);

        struct cache c = {NULL, 0, 1, 1, CONTEXT + 64, KV_HEADS, DIM};
        c.data = memset(take<char>((size_t)KV_HEADS * 2 * c.cells * DIM * 2), 0, (size_t)KV_HEADS * 2 * c.cells * DIM * 2);
        float *turn = reals((size_t)(CONTEXT + 64) * DIM), *q = reals((size_t)n * HEADS * DIM), *k = reals((size_t)n * KV_HEADS * DIM), *v = reals((size_t)n * KV_HEADS * DIM);
        rope_append(0, &c, 0, &rows, 1, turn, HEADS, q, k, v);
        report("RoPE and cache, 32 + 8 heads", n, n * (2.0 * HEADS * DIM * 4 + 2.0 * KV_HEADS * DIM * (4 + 2) + DIM * 4));
        float *work = take<float>(attention_work(n, HEADS, DIM)), *att = take<float>((size_t)n * HEADS * DIM);
        attention_allow(HEADS, &c);
        attention_rows(0, &c, 0, &rows, n, HEADS, q, work, att);
        report("attention, 2048 keys, 32/8 heads", n, 2.0 * KV_HEADS * (CONTEXT + n) * DIM * 2 + 2.0 * n * HEADS * DIM * 4);
        float *logits = reals((size_t)n * VOCAB), *values = take<float>(64), *moments = take<float>(64);
        int *ids = take<int>(64);
        void *top = take<char>(top_work(n, VOCAB, 2));
        top_rows(0, logits, n, VOCAB, 2, top, ids, values, moments);
        report("top 2 and entropy, 128256", n, n * (VOCAB * 4.0 + 24));
        const size_t mark = used;
        void *scores = take<char>(choose_work(n, VOCAB));
        struct chosen *chosen = take<struct chosen>(16);
        const struct noise_place at[8] = {};
        for (int sampled = 0; sampled < 2; sampled++) {
            choose_rows(0, logits, n, VOCAB, sampled, 1, at, NULL, 1, scores, chosen);
            report(sampled ? "sampled choice of 128256" : "greedy choice of 128256", n, n * (VOCAB * 4.0 + 16));
        }
        static const struct { const char *name; int kind; double bits; } kinds[] = {
            {"product Q4_0, 1024 x 4096", PACK_Q4_0, 4.5}, {"product Q4_1, 1024 x 4096", PACK_Q4_1, 5}, {"product Q8_0, 1024 x 4096", PACK_Q8_0, 8.5},
            {"product Q4_K, 1024 x 4096", PACK_Q4_K, 4.5}, {"product Q6_K, 1024 x 4096", PACK_Q6_K, 210.0 / 32}};
        for (auto &kind : kinds) used = mark, product(kind.name, kind.kind, kind.bits, n);
        used = mark, library("product BF16 (cuBLAS), 4096 x 4096", PACK_BF16, 2, n);
        used = mark, library("product F16 (cuBLAS), 4096 x 4096", PACK_F16, 2, n);
        used = mark, library("product F32 (cuBLAS), 4096 x 4096", PACK_F32, 4, n);
    }
    cudaFree(lo);
    return over ? 1 : 0;
}
