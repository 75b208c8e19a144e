/* cuemu.cc - the emulation's scheduler: runs every CUDA thread of a block as a fiber.
 *
 * No containers here: their inline functions may be merged at link time with copies that were compiled
 * with -fsanitize=thread, and TSan then takes the scheduler's own data for shared data of the kernel.
 * Compiled (as cuapi.cc) without -fsanitize, but with -DCUEMU_ASAN or -DCUEMU_TSAN when the
 * kernels are instrumented: the sanitizer is told about fibers and barriers by hand.
 *
 * Environment:
 *   CUEMU_ORDER=fwd|rev|rand  order of the threads of a block (rand also yields inside atomics)
 *   CUEMU_SEED=n              seed for rand
 *   CUEMU_STRICT=1            a thread that exited before a barrier is an error, not just absent
 *   CUEMU_BLOCK_RACES=1       (TSan) also reports races between blocks
 *   CUEMU_STATS=1             counts on exit */
#include "gpu/emu/cuemu.h"
#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>
#if !defined(__x86_64__) && !defined(CUEMU_UCONTEXT)
#define CUEMU_UCONTEXT
#endif
#ifdef CUEMU_UCONTEXT
#include <ucontext.h>
#endif
#ifdef CUEMU_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef CUEMU_TSAN
#include <sanitizer/tsan_interface.h>
#else
#define __tsan_acquire(p) ((void)(p))
#define __tsan_release(p) ((void)(p))
#endif

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;
extern "C" char __start_cuemu_shared[] __attribute__((weak)); // made by the linker
extern "C" char __stop_cuemu_shared[] __attribute__((weak));

namespace cuemu {
void *dyn_shared;

namespace {

enum Order { FWD, REV, RAND } order = FWD;
bool strict, block_races;
uint64_t rng;
struct Stats { uint64_t launches, blocks, threads, switches; } stats;

struct Init {
    Init() {
        const char *o = getenv("CUEMU_ORDER"), *s = getenv("CUEMU_SEED"), *x = getenv("CUEMU_STRICT"), *b = getenv("CUEMU_BLOCK_RACES");
        if (o) order = !strcmp(o, "rev") ? REV : !strcmp(o, "rand") ? RAND : FWD;
        rng = 0x9E3779B97F4A7C15ull * (1 + (s ? strtoull(s, nullptr, 0) : 0));
        strict = x && *x == '1', block_races = b && *b == '1';
    }
    ~Init() {
        if (!getenv("CUEMU_STATS")) return;
        fprintf(stderr, "cuemu: %llu launches, %llu blocks, %llu threads, %llu switches\n", (unsigned long long)stats.launches,
                (unsigned long long)stats.blocks, (unsigned long long)stats.threads, (unsigned long long)stats.switches);
    }
} init;

unsigned rnd(unsigned n) { // xorshift64
    rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
    return static_cast<unsigned>((rng >> 32) * n >> 32);
}

// ---- state -------------------------------------------------------------------------------------

constexpr size_t STACK = 128 << 10, GUARD = 4096;
enum State { UNBORN, READY, AT_BARRIER, IN_WARP_OP, EXITED };

struct Context {
#ifdef CUEMU_UCONTEXT
    ucontext_t uc;
#else
    void *sp = nullptr;
#endif
    void *asan_fake = nullptr, *tsan = nullptr;
    const void *stack = nullptr; // lowest address
    size_t stack_size = 0;
};

struct Thread {          // a CUDA thread of the running block
    uint3 idx;
    Context *fiber;      // the stack it lives on
    State state;
    const char *file;    // where it waits
    int line;
    Op op;
    unsigned mask;       // lanes it waits for
    int src;             // SHFL: lane to read
    uint64_t in, out;
    int barriers, full_ops, part_ops; // passed so far; the parity picks a TSan sync object
};

struct Warp { unsigned alive, waiting; };

// Addresses that stand for the barriers, warps and threads of a block in TSan's eyes.
struct Sync { char barrier[2], warp[32][2], thread[1024][2]; };

const char *kernel_name = "-";
const std::function<void()> *body;
constexpr int MAX = 1024;      // threads per block
Thread threads[MAX];
Warp warps[MAX / 32];
int start_order[MAX];
int n, next_start, alive, at_barrier, pred_sum;
#ifndef CUEMU_TSAN
Context *idle[MAX];          // fibers between two CUDA threads
int idle_count;
#endif
unsigned ready_ring[MAX], ready_head, ready_count; // a queue of runnable threads
Context scheduler;
int cur = -1;                // running CUDA thread
uint64_t block_serial;
char go, done;               // TSan sync objects: block starts, thread has exited
Sync syncs[64], *sync = syncs; // another one for each block, lest barriers order different blocks

[[noreturn]] void fail(const char *what) {
    fprintf(stderr, "cuemu: ERROR: %s\n  kernel %s, block (%u,%u,%u)\n", what, kernel_name, blockIdx.x, blockIdx.y, blockIdx.z);
    if (cur >= 0) fprintf(stderr, "  seen by thread (%u,%u,%u)\n", threadIdx.x, threadIdx.y, threadIdx.z);
    for (int i = 0, shown = 0; i < n && shown < 16; shown++) { // runs of threads in the same state
        const Thread &a = threads[i];
        int j = i + 1;
        bool waits = a.state == AT_BARRIER || a.state == IN_WARP_OP;
        auto same = [&](const Thread &b) { return b.state == a.state && (!waits || (b.line == a.line && b.mask == a.mask)); };
        while (j < n && same(threads[j])) j++;
        static const char *const text[] = {"not started", "runnable", "at a barrier,", "in a warp collective,", "exited"};
        fprintf(stderr, "  threads %d..%d: %s", i, j - 1, text[a.state]);
        if (waits) fprintf(stderr, " %s:%d", a.file, a.line);
        if (a.state == IN_WARP_OP) fprintf(stderr, " mask %08x", a.mask);
        fprintf(stderr, "\n");
        i = j;
    }
    abort();
}

// Plain stores in this uninstrumented file: redzones may be overwritten, and no memset is called
// that a sanitizer would intercept.
void fill_nan(void *p, size_t size) {
    volatile unsigned char *c = static_cast<unsigned char *>(p);
    for (size_t i = 0; i < size; i++) c[i] = 0xFF;
}

// Shared memory. Under TSan it is mapped afresh for each block: that is what makes TSan forget the
// accesses of the block before. Else one heap object serves all blocks.
#ifdef CUEMU_TSAN
constexpr bool remap = true;
void *new_shared(size_t, size_t size) {
    void *p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) fail("no memory for shared memory");
    return p;
}
void drop_shared(void *p, size_t size) { munmap(p, size); }
#else
constexpr bool remap = false;
void *new_shared(size_t align, size_t size) {
    void *p;
    if (posix_memalign(&p, align < 16 ? 16 : align, size)) fail("no memory for shared memory");
    return p;
}
void drop_shared(void *p, size_t) { free(p); }
#endif

struct Object { // a SHARED declaration
    const void *key;
    void *p;
    size_t size;
    uint64_t serial; // block that used it last
    char sync;
    Object *next;
} *objects;

// ---- fibers --------------------------------------------------------------------------------------

#ifdef CUEMU_UCONTEXT
void swap_raw(Context &from, Context &to) { swapcontext(&from.uc, &to.uc); } // two system calls
#else
extern "C" void cuemu_swap(void **save_sp, void *load_sp);
asm(R"(
    .text
    .type cuemu_swap,@function
cuemu_swap:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size cuemu_swap,.-cuemu_swap
)");
void swap_raw(Context &from, Context &to) { cuemu_swap(&from.sp, to.sp); }
#endif

void swap(Context &from, Context &to) {
    stats.switches++;
#ifdef CUEMU_ASAN
    __sanitizer_start_switch_fiber(&from.asan_fake, to.stack, to.stack_size);
#endif
#ifdef CUEMU_TSAN
    __tsan_switch_to_fiber(to.tsan, __tsan_switch_to_fiber_no_sync);
#endif
    swap_raw(from, to);
#ifdef CUEMU_ASAN
    __sanitizer_finish_switch_fiber(from.asan_fake, nullptr, nullptr);
#endif
}

void exit_thread();

// A fiber runs CUDA threads one after another until one of them blocks; only then does the scheduler
// start the next on another fiber. So a kernel without barriers costs a call, not a switch, per thread.
void fiber_main() {
#ifdef CUEMU_ASAN // first entry: learn the bounds of the main stack
    __sanitizer_finish_switch_fiber(nullptr, &scheduler.stack, &scheduler.stack_size);
#endif
    Context *self = threads[cur].fiber;
    for (;;) {
        threadIdx = threads[cur].idx;
        __tsan_acquire(&go);
        (*body)();
        __tsan_release(&done);
        exit_thread();
#ifndef CUEMU_TSAN
        if (next_start < n) {
            cur = start_order[next_start++];
            threads[cur].fiber = self;
            threads[cur].state = READY;
            continue;
        }
        idle[idle_count++] = self;
#endif
        swap(*self, scheduler);
    }
}

Context *new_fiber() {
    Context *f = new Context;
    void *m = mmap(nullptr, STACK + GUARD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (m == MAP_FAILED || mprotect(m, GUARD, PROT_NONE)) fail("no memory for a fiber stack");
    static unsigned made;
    f->stack = static_cast<char *>(m) + GUARD;
    f->stack_size = STACK - made++ * 17 % 64 * 64; // tops at different cache sets: switches are faster
#ifdef CUEMU_TSAN
    f->tsan = __tsan_create_fiber(0);
#endif
#ifdef CUEMU_UCONTEXT
    getcontext(&f->uc);
    f->uc.uc_stack.ss_sp = const_cast<void *>(f->stack);
    f->uc.uc_stack.ss_size = f->stack_size;
    makecontext(&f->uc, fiber_main, 0);
#else
    void **top = reinterpret_cast<void **>(static_cast<char *>(m) + GUARD + f->stack_size);
    top[-2] = reinterpret_cast<void *>(fiber_main); // above it a null return address, below it 6 registers
    f->sp = top - 8;
#endif
    return f;
}

// ---- synchronization inside a block --------------------------------------------------------------

void wake(Thread &t) {
    t.state = READY;
    ready_ring[(ready_head + ready_count++) % MAX] = static_cast<unsigned>(&t - threads);
}

int take_ready() { // FWD: the oldest, REV: the newest, RAND: any
    unsigned oldest = ready_head % MAX, newest = (ready_head + ready_count - 1) % MAX;
    unsigned at = order == FWD ? oldest : order == REV ? newest : (ready_head + rnd(ready_count)) % MAX;
    unsigned t = ready_ring[at];
    if (order == FWD) ready_head++;
    else ready_ring[at] = ready_ring[newest];
    ready_count--;
    return static_cast<int>(t);
}

void check_barrier() { // opens when every thread that has not exited is there, as on Volta and later
    if (!at_barrier || at_barrier != alive) return;
    const Thread *first = nullptr;
    for (int i = 0; i < n; i++) {
        const Thread &t = threads[i];
        if (t.state != AT_BARRIER) continue;
        if (!first) first = &t;
        if (t.line != first->line || strcmp(t.file, first->file)) fail("threads of a block wait at different barriers");
    }
    if (strict && alive != n) fail("strict: barrier after some threads of the block have exited");
    for (int i = 0; i < n; i++)
        if (threads[i].state == AT_BARRIER) threads[i].out = static_cast<uint64_t>(pred_sum), wake(threads[i]);
    at_barrier = pred_sum = 0;
}

void check_warp(int w) { // carries out every collective whose lanes are all there
    Warp &warp = warps[w];
    for (unsigned todo = warp.waiting; todo; todo &= todo - 1) {
        Thread *lanes = &threads[w * 32];
        const Thread &a = lanes[__builtin_ctz(todo)];
        unsigned need = a.mask & warp.alive, ballot = 0;
        if ((need & warp.waiting) != need) continue;
        for (unsigned m = need; m; m &= m - 1) {
            const Thread &b = lanes[__builtin_ctz(m)];
            if (b.op != a.op || b.mask != a.mask || b.line != a.line || strcmp(b.file, a.file))
                fail("lanes of a warp meet in different collectives or with different masks");
            if (b.in) ballot |= m & -m;
        }
        for (unsigned m = need; m; m &= m - 1) {
            Thread &b = lanes[__builtin_ctz(m)];
            if (a.op == BALLOT) b.out = ballot;
            if (a.op == SHFL) b.out = need >> b.src & 1 ? lanes[b.src].in : ~0ull; // undefined: NaN
            wake(b);
        }
        warp.waiting &= ~need;
        todo &= ~need;
        if (!todo) break;
    }
}

void exit_thread() {
    threads[cur].state = EXITED;
    alive--;
    warps[cur / 32].alive &= ~(1u << (cur & 31));
    if (warps[cur / 32].waiting) check_warp(cur / 32);
    check_barrier();
}

void block_here() { // back when woken
    int me = cur;
    swap(*threads[me].fiber, scheduler);
    threadIdx = threads[me].idx;
}

void run_block() {
    sync = &syncs[++block_serial % 64];
    next_start = at_barrier = pred_sum = 0;
    alive = n;
    for (int i = 0; i < n; i++) {
        Thread &t = threads[i];
        t = Thread();
        unsigned u = static_cast<unsigned>(i);
        t.idx = {u % blockDim.x, u / blockDim.x % blockDim.y, u / (blockDim.x * blockDim.y)};
        start_order[i] = order == REV ? n - 1 - i : i;
    }
    for (int i = n - 1; order == RAND && i > 0; i--) { // shuffle
        int &a = start_order[i], &b = start_order[rnd(static_cast<unsigned>(i + 1))], t = a;
        a = b, b = t;
    }
    for (int w = 0; w * 32 < n; w++) warps[w] = {n - w * 32 >= 32 ? ~0u : (1u << (n - w * 32)) - 1, 0};
    fill_nan(__start_cuemu_shared, static_cast<size_t>(__stop_cuemu_shared - __start_cuemu_shared));
    __tsan_release(&go);
    while (alive) {
        bool fresh = next_start < n;
        if (fresh && ready_count) fresh = order == RAND && rnd(2);
        if (fresh) {
            cur = start_order[next_start++];
#ifdef CUEMU_TSAN // must see every CUDA thread of a block as a thread of its own
            static Context *own[MAX + 1]; // one more: neighbor blocks use other fibers for the same thread
            Context *&f = own[(static_cast<uint64_t>(cur) + block_serial) % (static_cast<uint64_t>(n) + 1)];
            threads[cur].fiber = f ? f : (f = new_fiber());
#else
            threads[cur].fiber = idle_count ? idle[--idle_count] : new_fiber();
#endif
            threads[cur].state = READY;
        } else if (ready_count) {
            cur = take_ready();
        } else {
            cur = -1;
            fail("deadlock: no thread of the block can go on");
        }
        swap(scheduler, *threads[cur].fiber);
    }
    if (!block_races) __tsan_acquire(&done);
    cur = -1;
    stats.blocks++, stats.threads += static_cast<uint64_t>(n);
}

} // namespace

// ---- called from cuemu.h ---------------------------------------------------------------------------

int lane() { return cur & 31; }

int barrier(int pred, const char *file, int line) {
    Thread &t = threads[cur];
    char *s = &sync->barrier[t.barriers++ & 1];
    pred_sum += pred;
    t.state = AT_BARRIER, t.file = file, t.line = line;
    at_barrier++;
    __tsan_release(s);
    check_barrier();
    block_here();
    __tsan_acquire(s);
    return static_cast<int>(t.out);
}

uint64_t warp_op(Op op, unsigned mask, uint64_t in, int src, const char *file, int line) {
    Thread &t = threads[cur];
    Warp &w = warps[cur / 32];
    t.state = IN_WARP_OP, t.file = file, t.line = line;
    t.op = op, t.mask = mask, t.in = in, t.src = src;
    if (!(mask >> (cur & 31) & 1)) fail("a lane is not in the mask of its own collective");
    if (src < 0 || src > 31) fail("shuffle from a lane outside 0..31");
    w.waiting |= 1u << (cur & 31);
    bool full = mask == ~0u;
    int parity = (full ? t.full_ops++ : t.part_ops++) & 1;
    char(*ws)[2] = &sync->warp[cur / 32], (*ts)[2] = &sync->thread[cur & ~31];
    __tsan_release(full ? &(*ws)[parity] : &ts[cur & 31][parity]);
    if (!full || w.waiting == w.alive) check_warp(cur / 32);
    block_here();
    if (full) __tsan_acquire(&(*ws)[parity]);
    for (unsigned m = full ? 0 : mask; m; m &= m - 1) __tsan_acquire(&ts[__builtin_ctz(m)][parity]);
    return t.out;
}

void maybe_yield() {
    if (order != RAND || cur < 0 || rnd(4)) return;
    wake(threads[cur]);
    block_here();
}

void *shared(const void *key, size_t size, size_t align) {
    Object *o = objects;
    while (o && o->key != key) o = o->next;
    if (!o) o = objects = new Object{key, nullptr, size, 0, 0, objects};
    if (o->serial != block_serial) { // the first thread of this block to come here
        if (remap && o->p) drop_shared(o->p, size), o->p = nullptr;
        if (!o->p) o->p = new_shared(align, size), __tsan_release(&o->sync);
        o->serial = block_serial;
        fill_nan(o->p, size);
    }
    __tsan_acquire(&o->sync);
    return o->p;
}

void run_blocks(const char *name, dim3 grid, dim3 block, size_t smem, const std::function<void()> &thread) {
    kernel_name = name, body = &thread, blockDim = block, gridDim = grid;
    n = static_cast<int>(block.x * block.y * block.z);
#ifdef CUEMU_TSAN
    if (!scheduler.tsan) scheduler.tsan = __tsan_get_current_fiber();
#endif
    stats.launches++;
    for (unsigned z = 0; z < grid.z; z++)
        for (unsigned y = 0; y < grid.y; y++)
            for (unsigned x = 0; x < grid.x; x++) {
                blockIdx = {x, y, z};
                if (smem && !dyn_shared) dyn_shared = new_shared(256, smem);
                if (smem) fill_nan(dyn_shared, smem);
                run_block();
                if (smem && remap) drop_shared(dyn_shared, smem), dyn_shared = nullptr;
            }
    if (dyn_shared) drop_shared(dyn_shared, smem);
    dyn_shared = nullptr;
    __tsan_acquire(&done);
}

} // namespace cuemu
