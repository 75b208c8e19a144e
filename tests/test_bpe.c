/* test_bpe.c - the heap merges what the plain definition merges; special tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/bpe.h"
#include "core/special.h"
#include "core/mem.h"

enum { LETTERS = 3, MERGES = 40, WORD = 60 };

static uint32_t next_random(uint32_t *state) { // Numerical Recipes, section 7.1
    return (*state = *state * 1664525 + 1013904223) >> 8;
}

struct merge { int left, right; };

/* The definition: the pair of lowest rank, leftmost first, until none has a rank. */
static size_t merge_plainly(const struct merge *merges, int *ids, size_t n) {
    for (;;) {
        size_t best = 0;
        int best_rank = MERGES;
        for (size_t i = 0; i + 1 < n; i++)
            for (int r = 0; r < best_rank; r++)
                if (merges[r].left == ids[i] && merges[r].right == ids[i + 1]) best_rank = r, best = i;
        if (best_rank == MERGES) return n;
        ids[best] = LETTERS + best_rank;
        memmove(ids + best + 1, ids + best + 2, (n - best - 2) * sizeof *ids);
        n--;
    }
}

static void test_heap_merges_equal_the_plain_definition(void **state) {
    (void)state;
    uint32_t random = 7;
    struct bpe_space space = {0};
    struct err err = {""};
    for (int round = 0; round < 2000; round++) {
        struct merge merges[MERGES];
        struct bpe b;
        assert_int_equal(bpe_open(&b, MERGES, &err), 0);
        for (int i = 0; i < LETTERS; i++) b.byte['a' + i] = i;
        for (int r = 0; r < MERGES; r++) { // of ids that exist by then; a pair that comes again keeps its first rank
            merges[r] = (struct merge){(int)(next_random(&random) % (uint32_t)(LETTERS + r)), (int)(next_random(&random) % (uint32_t)(LETTERS + r))};
            bpe_add(&b, merges[r].left, merges[r].right, (uint32_t)r, LETTERS + r);
        }
        char word[WORD];
        int expected[WORD];
        size_t n = next_random(&random) % (WORD + 1);
        for (size_t i = 0; i < n; i++) word[i] = (char)('a' + (expected[i] = (int)(next_random(&random) % LETTERS)));
        struct ids ids = {0};
        assert_int_equal(bpe_word(&b, word, n, &space, &ids, &err), 0);
        assert_int_equal(ids.n, merge_plainly(merges, expected, n));
        if (ids.n) assert_memory_equal(ids.at, expected, ids.n * sizeof(int));
        ids_close(&ids);
        bpe_close(&b);
    }
    bpe_space_close(&space);
}

static void test_specials_are_leftmost_then_longest(void **state) {
    (void)state;
    struct err err = {""};
    static const char *const texts[] = {"<ab", "<", "<abcd", "b", "<abx"};
    struct special *list = mem_alloc(5, sizeof *list, "specials", &err);
    for (int i = 0; i < 5; i++) list[i] = (struct special){texts[i], strlen(texts[i]), i, i != 1};
    struct specials s;
    specials_sort(&s, list, 5);
    const struct { const char *text; size_t from, plain_from, plain_to, where; int id; } cases[] = {
        {"x<abcd", 0, 0, 0, 1, 2}, {"x<abc", 0, 0, 0, 1, 0}, {"x<a<ab", 0, 0, 0, 1, 1}, {"x<abx", 2, 0, 0, 3, 3},
        {"x", 0, 0, 0, 0, -1},     {"", 0, 0, 0, 0, -1},
        {"<ab<ab", 0, 0, 3, 0, 1},  // in plain text control tokens do not count, added ones do
        {"<abcd", 0, 3, 5, 0, 0},   // nor those that reach into it
        {"<ab", 0, 3, 9, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t where = 0;
        const struct special *x = specials_find(&s, cases[i].text, strlen(cases[i].text), cases[i].from, cases[i].plain_from, cases[i].plain_to, &where);
        if ((x ? x->id : -1) != cases[i].id || where != cases[i].where) fail_msg("case %zu: %d at %zu", i, x ? x->id : -1, where);
    }
    assert_int_equal(specials_named(&s, "<abx", 4)->id, 4);
    assert_null(specials_named(&s, "<abxy", 5));
    specials_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heap_merges_equal_the_plain_definition),
        cmocka_unit_test(test_specials_are_leftmost_then_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
