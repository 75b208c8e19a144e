/* test_quiet.c - no policy allocates, locks or reads a clock while it chooses, deepens, shares or learns.
 *
 * The C library's functions are replaced by ones that count while a policy runs; a policy written for the purpose, which
 * does all of it, shows that they count. Elsewhere than with glibc, and under a sanitizer, which replaces them itself, nothing is
 * tested. */
#include <stdbool.h>

static volatile bool listening;
static volatile int heard;
static const char *volatile what;

#define POLICY_CALL(...) \
    do { \
        listening = true; \
        __VA_ARGS__; \
        listening = false; \
    } while (0)
#include "tests/playing.h"

#if defined __GLIBC__ && !defined __SANITIZE_ADDRESS__
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { QUIET = 1 };

static void hear(const char *name) {
    if (listening) heard++, what = name;
}

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t to, size_t n);
void __libc_free(void *p);

void *malloc(size_t n) { return hear("malloc"), __libc_malloc(n); }
void *calloc(size_t n, size_t size) { return hear("calloc"), __libc_calloc(n, size); }
void *realloc(void *p, size_t n) { return hear("realloc"), __libc_realloc(p, n); }
void *aligned_alloc(size_t to, size_t n) { return hear("aligned_alloc"), __libc_memalign(to, n); }
void free(void *p) { hear("free"), __libc_free(p); }

static int next_int(const char *name, void *p) {
    int (*call)(void *) = (int (*)(void *))dlsym(RTLD_NEXT, name);
    return call(p);
}
int pthread_mutex_lock(pthread_mutex_t *m) { return hear("pthread_mutex_lock"), next_int("pthread_mutex_lock", m); }
int pthread_mutex_trylock(pthread_mutex_t *m) { return hear("pthread_mutex_trylock"), next_int("pthread_mutex_trylock", m); }
int pthread_rwlock_rdlock(pthread_rwlock_t *m) { return hear("pthread_rwlock_rdlock"), next_int("pthread_rwlock_rdlock", m); }
int pthread_rwlock_wrlock(pthread_rwlock_t *m) { return hear("pthread_rwlock_wrlock"), next_int("pthread_rwlock_wrlock", m); }
int pthread_spin_lock(pthread_spinlock_t *m) { return hear("pthread_spin_lock"), next_int("pthread_spin_lock", (void *)m); }
int clock_gettime(clockid_t id, struct timespec *t) { return hear("clock_gettime"), (int)syscall(SYS_clock_gettime, id, t); }
int gettimeofday(struct timeval *t, void *zone) { return hear("gettimeofday"), (int)syscall(SYS_gettimeofday, t, zone); }
time_t time(time_t *to) {
    struct timespec now;
    hear("time");
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
    return to ? *to = now.tv_sec : now.tv_sec;
}
clock_t clock(void) { return hear("clock"), 0; }

/* Does what a policy must not do: one of them in each round, by its number. */
static int noisy_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static void *volatile block;
    struct timespec t;
    struct timeval tv;
    (void)state, (void)p, (void)param;
    switch (rng->round) {
    case 0: block = malloc(10); break;
    case 1: block = realloc(block, 100); break;
    case 2: free(block); break;
    case 3: block = calloc(3, 5); break;
    case 4: pthread_mutex_lock(&mutex); break;
    case 5: pthread_mutex_trylock(&mutex); break;
    case 6: clock_gettime(CLOCK_MONOTONIC, &t); break;
    case 7: time(NULL); break;
    case 8: gettimeofday(&tv, NULL); break;
    case 9: block = aligned_alloc(64, 64); break;
    case 10: clock(); break;
    }
    return 0;
}
enum { NOISES = 11 };

static const struct policy policy_noisy = {.name = "noisy", .select = noisy_select};

static void test_what_a_policy_must_not_do_is_heard(void **state) {
    (void)state;
    char none[8] = "";
    struct agent a = {.policy = &policy_noisy, .problem = playing_problem, .state = none};
    for (int t = 0; t < NOISES; t++) {
        heard = 0;
        playing_round(&a, t);
        if (heard < 1) fail_msg("noise %d is not heard", t);
    }
    heard = 0;
    playing_round(&a, NOISES);
    assert_int_equal(heard, 0);
}
#else
enum { QUIET = 0 };
static void test_what_a_policy_must_not_do_is_heard(void **state) { (void)state; }
#endif

static void test_no_policy_allocates_locks_or_reads_a_clock(void **state) {
    (void)state;
    if (!QUIET) {
        print_message("nothing is tested here: no glibc, or a sanitizer\n");
        return;
    }
    int played = 0;
    struct err err;
    for (const struct policy *const *q = policies; *q; q++) {
        struct agent a;
        int rc = agent_open(&a, (*q)->name, &playing_problem, &err);
        if (rc) fail_msg("%s", err.text);
        heard = 0;
        for (int t = 0; t < 1000; t++) {
            playing_round(&a, t);
            if (heard) fail_msg("policy '%s' called %s in round %d", (*q)->name, what, t);
        }
        POLICY_CALL(agent_reset(&a));
        if (heard) fail_msg("policy '%s' called %s in its reset", (*q)->name, what);
        agent_close(&a);
        played++;
    }
    print_message("%d policies\n", played);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_policy_must_not_do_is_heard),
        cmocka_unit_test(test_no_policy_allocates_locks_or_reads_a_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
