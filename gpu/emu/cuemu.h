/* cuemu.h - CUDA's device built-ins for g++ (-x c++ -DCUEMU), beside the CUDA headers in host-only mode.
 *
 * Every CUDA thread is real code on a stack of its own (a fiber of cuemu.cc), so ASan, UBSan, TSan and gdb see kernels as plain C++.
 * One OS thread runs everything, deterministically; blocks run one after another: no block may wait for another. No inline PTX,
 * no cooperative groups, no textures. cudaFuncSetAttribute takes the kernel as (const void *). */
#ifndef GPU_EMU_CUEMU_H
#define GPU_EMU_CUEMU_H

#include <cuda_runtime.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <tuple>
#include <type_traits>

// ---- storage -------------------------------------------------------------------------------
// SHARED and DYN_SHARED live on the heap, exactly sized, so ASan sees every overflow, also in
// templates. A plain `__shared__ T x[n]` works too, but GCC gives it redzones only in non-template
// kernels and only with -fsanitize-sections=cuemu_shared. All are refilled with 0xFF (NaN in fp32,
// bf16 and fp16) before each block.
#undef __shared__
#define __shared__ static __attribute__((section("cuemu_shared")))
#define SHARED(type, name, dims)                                                            \
    static char cuemu_key_##name;                                                           \
    using cuemu_type_##name = cuemu::Id<type dims>;                                         \
    cuemu_type_##name &name = *static_cast<cuemu_type_##name *>(                            \
        cuemu::shared(&cuemu_key_##name, sizeof(cuemu_type_##name), alignof(cuemu_type_##name)))
#define DYN_SHARED(type, name) type *const name = static_cast<type *>(cuemu::dyn_shared)
#define __launch_bounds__(...)

// Plain variables, not macros; the scheduler sets threadIdx at every switch.
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
static constexpr int warpSize = 32;

namespace cuemu {
template <class T> using Id = T;
enum Op { SYNCWARP, SHFL, BALLOT };
extern void *dyn_shared;
void *shared(const void *key, size_t size, size_t align);
int barrier(int pred, const char *file, int line); // returns the number of threads with pred
uint64_t warp_op(Op op, unsigned mask, uint64_t in, int src, const char *file, int line);
int lane();
void maybe_yield(); // lets another thread run, sometimes
bool check_launch(const char *name, dim3 grid, dim3 block, size_t smem, cudaStream_t s, const void *k);
void enqueue(cudaStream_t stream, std::function<void()> op);
void run_grid(const char *name, dim3 grid, dim3 block, size_t smem, const std::function<void()> &thread);
void run_blocks(const char *name, dim3 grid, dim3 block, size_t smem, const std::function<void()> &thread);

// Arguments are converted to the parameter types and copied now, as a real launch does.
template <class... P, class... A>
void launch(const char *name, dim3 grid, dim3 block, size_t smem, cudaStream_t stream, void (*k)(P...), A &&...a) {
    if (!check_launch(name, grid, block, smem, stream, reinterpret_cast<const void *>(k))) return;
    std::tuple<std::decay_t<P>...> args(std::forward<A>(a)...);
    enqueue(stream, [=] { run_grid(name, grid, block, smem, [&] { std::apply(k, args); }); });
}
} // namespace cuemu

#define LAUNCH(kernel, grid, block, smem, stream, ...) \
    cuemu::launch(#kernel, (grid), (block), (smem), (stream), kernel, ##__VA_ARGS__)

// ---- barriers and warp collectives -----------------------------------------------------------
// The default arguments carry the caller's source line: divergent barriers are told apart by it.
#define CUEMU_SITE const char *file = __builtin_FILE(), int line = __builtin_LINE()
inline void __syncthreads(CUEMU_SITE) { cuemu::barrier(0, file, line); }
inline int __syncthreads_count(int p, CUEMU_SITE) { return cuemu::barrier(p != 0, file, line); }
inline int __syncthreads_or(int p, CUEMU_SITE) { return cuemu::barrier(p != 0, file, line) != 0; }
inline int __syncthreads_and(int p, CUEMU_SITE) { return cuemu::barrier(p == 0, file, line) == 0; }
inline void __syncwarp(unsigned mask = ~0u, CUEMU_SITE) { cuemu::warp_op(cuemu::SYNCWARP, mask, 0, 0, file, line); }
inline unsigned __ballot_sync(unsigned mask, int p, CUEMU_SITE) {
    return static_cast<unsigned>(cuemu::warp_op(cuemu::BALLOT, mask, p != 0, 0, file, line));
}
inline int __any_sync(unsigned mask, int p, CUEMU_SITE) { return __ballot_sync(mask, p, file, line) != 0; }
inline int __all_sync(unsigned mask, int p, CUEMU_SITE) { return __ballot_sync(mask, !p, file, line) == 0; }

namespace cuemu {
template <class T> T shfl(unsigned mask, T v, int src, const char *file, int line) {
    static_assert(sizeof(T) <= 8 && std::is_trivially_copyable<T>::value, "shuffles move at most 8 bytes");
    uint64_t bits = 0;
    memcpy(&bits, &v, sizeof v);
    bits = warp_op(SHFL, mask, bits, src, file, line);
    memcpy(&v, &bits, sizeof v);
    return v;
}
} // namespace cuemu

template <class T> T __shfl_sync(unsigned mask, T v, int src, int width = 32, CUEMU_SITE) {
    return cuemu::shfl(mask, v, (cuemu::lane() & ~(width - 1)) | (src & (width - 1)), file, line);
}
template <class T> T __shfl_xor_sync(unsigned mask, T v, int x, int width = 32, CUEMU_SITE) {
    int l = cuemu::lane(), src = l ^ x;
    return cuemu::shfl(mask, v, src <= (l | (width - 1)) ? src : l, file, line);
}
template <class T> T __shfl_down_sync(unsigned mask, T v, unsigned d, int width = 32, CUEMU_SITE) {
    int l = cuemu::lane(), src = l + static_cast<int>(d);
    return cuemu::shfl(mask, v, src <= (l | (width - 1)) ? src : l, file, line);
}
template <class T> T __shfl_up_sync(unsigned mask, T v, unsigned d, int width = 32, CUEMU_SITE) {
    int l = cuemu::lane(), src = l - static_cast<int>(d);
    return cuemu::shfl(mask, v, src >= (l & ~(width - 1)) ? src : l, file, line);
}

// ---- atomics and fences ----------------------------------------------------------------------
#define CUEMU_RMW(fn, expr)                                                                        \
    template <class T> T fn(T *p, cuemu::Id<std::common_type_t<T>> v) {                            \
        cuemu::maybe_yield();                                                                      \
        T old = cuemu::load(p);                                                                    \
        while (!cuemu::cas(p, old, static_cast<T>(expr))) {}                                       \
        return old;                                                                                \
    }
namespace cuemu {
template <class T> T load(const T *p) { T v; __atomic_load(p, &v, __ATOMIC_ACQUIRE); return v; }
template <class T> bool cas(T *p, T &old, T want) {
    return __atomic_compare_exchange(p, &old, &want, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}
} // namespace cuemu
CUEMU_RMW(atomicAdd, old + v)
CUEMU_RMW(atomicSub, old - v)
CUEMU_RMW(atomicMax, old < v ? v : old)
CUEMU_RMW(atomicMin, v < old ? v : old)
CUEMU_RMW(atomicAnd, old & v)
CUEMU_RMW(atomicOr, old | v)
CUEMU_RMW(atomicXor, old ^ v)
CUEMU_RMW(atomicExch, v)
#undef CUEMU_RMW
template <class T> T atomicCAS(T *p, std::common_type_t<T> compare, std::common_type_t<T> v) {
    cuemu::maybe_yield();
    T old = compare;
    cuemu::cas(p, old, static_cast<T>(v));
    return old;
}
inline void __threadfence() { cuemu::maybe_yield(); }
inline void __threadfence_block() { cuemu::maybe_yield(); }

// ---- loads, bits, math -----------------------------------------------------------------------
template <class T> T __ldg(const T *p) { return *p; }
template <class T> T __ldcs(const T *p) { return *p; }
template <class T> T __ldcg(const T *p) { return *p; }
template <class T> void __stcs(T *p, T v) { *p = v; }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline int __clz(int x) { return x ? __builtin_clz(static_cast<unsigned>(x)) : 32; }
inline unsigned __float_as_uint(float x) { unsigned u; memcpy(&u, &x, 4); return u; }
inline float __uint_as_float(unsigned u) { float x; memcpy(&x, &u, 4); return x; }
inline int __float_as_int(float x) { return static_cast<int>(__float_as_uint(x)); }
inline float __int_as_float(int i) { return __uint_as_float(static_cast<unsigned>(i)); }
inline int __float2int_rn(float x) { return static_cast<int>(lrintf(x)); }
inline int __dp4a(int a, int b, int c) { // four signed bytes each
    for (int i = 0; i < 32; i += 8) c += static_cast<signed char>(a >> i) * static_cast<signed char>(b >> i);
    return c;
}
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fdividef(float a, float b) { return a / b; }
inline float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline float __frcp_rn(float a) { return 1.0f / a; }
inline float __saturatef(float a) { return a > 0 ? (a < 1 ? a : 1.0f) : 0.0f; }
template <class A, class B> constexpr std::common_type_t<A, B> min(A a, B b) { return b < a ? b : a; }
template <class A, class B> constexpr std::common_type_t<A, B> max(A a, B b) { return a < b ? b : a; }
// Macros: glibc's math.h declares __expf and friends (but libm does not export them), and newer
// glibc has its own rsqrtf.
#define rsqrtf(x) (1.0f / sqrtf(x))
#define __expf(x) expf(x)
#define __exp10f(x) exp10f(x)
#define __logf(x) logf(x)
#define __log2f(x) log2f(x)
#define __powf(x, y) powf(x, y)
#define __sinf(x) sinf(x)
#define __cosf(x) cosf(x)
#define __sincosf(x, s, c) sincosf(x, s, c)

#endif
