/* drafter_pld.c - prompt lookup decoding: copy what followed the last tokens before.
 *
 * Saxena, "Prompt Lookup Decoding", 2023 (github.com/apoorvumang/prompt-lookup-decoding).
 * With n tokens of history, for g = ngram, ..., 1: if the last g tokens also stand ending
 * at some end <= n - follow, the draft is token[end ..]. The longest g wins; among its
 * ends match=first takes the smallest, match=recent the largest.
 *
 *   draft=clip   follow = 1: any match will do, the draft may be short;
 *   draft=full   follow = full: only matches with `full` tokens after them count.
 *
 * (match=first, draft=full) with full=10 is Spec-Bench's pld.py at 10 drafted tokens,
 * (first, clip) is transformers' prompt lookup. `full` is an option, not the L asked for:
 * with L the choice of the match would move with gamma, and a short draft would not be
 * the beginning of a long one.
 *
 * No scan: the g-grams that end at `end` enter a hash table when the history reaches
 * end + follow tokens, no sooner, so that the table only ever holds admissible matches.
 * `first` never overwrites, `recent` always does. A token costs ngram insertions, a draft
 * ngram look-ups. Keys are compared with the tokens themselves: hashes may collide. */
#include "core/copier.h"
#include "core/drafter.h"
#include "core/mem.h"

enum { MATCH, DRAFT, NGRAM, FULL };          // param
enum { RECENT, FIRST };                      // match=
enum { CLIP, WHOLE };                        // draft=
enum { NGRAM_MAX = 8 };

struct gram {
    int end; // token[end - g .. end); 0: the slot is free
    int g;
};

struct pld {
    struct history text;
    struct gram *slot; // (slots), a power of two, at most half full; linear probing
    size_t slots, used;
    int ngram, follow;
    bool first;
};

/* hash[g - 1] for the g-grams that end at `end`, g = 1..most; each extends the last. */
static void hash_grams(const int *token, int end, int most, uint64_t *hash) {
    uint64_t h = 0;
    for (int g = 1; g <= most; g++) {
        h = (h ^ (uint32_t)token[end - g]) * 0x9E3779B97F4A7C15u + (uint64_t)g; // 2^64 / golden ratio (Knuth 6.4)
        h ^= h >> 32;
        hash[g - 1] = h;
    }
}

/* The slot of the g-gram that ends at `end`, or the free one where it belongs. */
static struct gram *find_gram(const struct pld *s, uint64_t hash, int end, int g) {
    const int *token = s->text.token;
    for (size_t i = hash & (s->slots - 1);; i = (i + 1) & (s->slots - 1)) {
        struct gram *at = &s->slot[i];
        if (!at->end) return at;
        if (at->g == g && !memcmp(token + at->end - g, token + end - g, (size_t)g * sizeof *token)) return at;
    }
}

static int most_of(const struct pld *s, int tokens) { return tokens < s->ngram ? tokens : s->ngram; }

static void insert_grams(struct pld *s, int end) {
    uint64_t hash[NGRAM_MAX];
    int most = most_of(s, end);
    hash_grams(s->text.token, end, most, hash);
    for (int g = 1; g <= most; g++) {
        struct gram *at = find_gram(s, hash[g - 1], end, g);
        if (at->end && s->first) continue;
        s->used += !at->end;
        *at = (struct gram){end, g};
    }
}

/* Room for `more` further grams. */
static int reserve_slots(struct pld *s, size_t more, struct err *err) {
    size_t slots = s->slots ? s->slots : 256;
    while (slots / 2 < s->used + more) slots *= 2;
    if (slots == s->slots) return 0;
    struct pld grown = *s;
    grown.slots = slots;
    grown.slot = mem_alloc(slots, sizeof *grown.slot, "n-gram index", err);
    if (!grown.slot) return ERR_FAILED;
    for (size_t i = 0; i < s->slots; i++) {
        struct gram old = s->slot[i];
        if (!old.end) continue;
        uint64_t hash[NGRAM_MAX];
        hash_grams(s->text.token, old.end, old.g, hash);
        *find_gram(&grown, hash[old.g - 1], old.end, old.g) = old;
    }
    mem_free(s->slot);
    *s = grown;
    return 0;
}

static int pld_open(struct drafter *d, struct err *err) {
    if (copier_no_path(d, err) || copier_whole(d, NGRAM, err) || copier_whole(d, FULL, err)) return ERR_FAILED;
    struct pld *s = d->state = mem_alloc(1, sizeof *s, "drafter 'pld'", err);
    if (!s) return ERR_FAILED;
    s->ngram = (int)d->param[NGRAM];
    s->follow = d->param[DRAFT] == WHOLE ? (int)d->param[FULL] : 1;
    s->first = d->param[MATCH] == FIRST;
    return 0;
}

static void pld_close(struct drafter *d) {
    struct pld *s = d->state;
    if (!s) return;
    mem_free(s->text.token);
    mem_free(s->slot);
    mem_free(s);
}

/* A failure leaves the history as it was: memory comes before the first token. */
static int pld_accept(struct drafter *d, const int *tokens, int n, struct err *err) {
    struct pld *s = d->state;
    if (history_reserve(&s->text, n, err) || reserve_slots(s, (size_t)n * (size_t)s->ngram, err)) return ERR_FAILED;
    for (int i = 0; i < n; i++) {
        s->text.token[s->text.n++] = tokens[i];
        if (s->text.n > s->follow) insert_grams(s, s->text.n - s->follow);
    }
    return 0;
}

static int pld_reset(struct drafter *d, const int *prompt, int n, struct err *err) {
    struct pld *s = d->state;
    s->text.n = 0;
    s->used = 0;
    if (s->slots) memset(s->slot, 0, s->slots * sizeof *s->slot);
    return pld_accept(d, prompt, n, err);
}

static int pld_draft(struct drafter *d, const int *history, int n, int L, struct draft *out, struct err *err) {
    (void)err;
    struct pld *s = d->state;
    assert(n == s->text.n && (n == 0 || history[n - 1] == s->text.token[n - 1])); // accept has seen all of it
    uint64_t hash[NGRAM_MAX];
    int most = most_of(s, n);
    hash_grams(history, n, most, hash);
    for (int g = most; g >= 1; g--) {
        int end = s->slots ? find_gram(s, hash[g - 1], n, g)->end : 0;
        if (!end) continue;
        copier_draft(&s->text, end, n, L, g, out);
        return 0;
    }
    copier_draft(&s->text, n, n, L, 0, out);
    return 0;
}

const struct drafter_type drafter_pld = {
    .name = "pld",
    .summary = "prompt lookup: copies what followed the last few tokens earlier in the text",
    .cite = "Saxena, Prompt Lookup Decoding, 2023",
    .copier = true,
    .params = {
        [MATCH] = {"match", RECENT, 0, 1, "recent|first", "which of several matches"},
        [DRAFT] = {"draft", CLIP, 0, 1, "clip|full", "clip: any match; full: only those with `full` tokens after them"},
        [NGRAM] = {"ngram", 3, 1, NGRAM_MAX, NULL, "longest context looked up, in tokens"},
        [FULL] = {"full", 10, 1, DRAFT_MAX, NULL, "tokens a match of draft=full must have after it"},
    },
    .open = pld_open, .close = pld_close, .reset = pld_reset, .draft = pld_draft, .accept = pld_accept,
};
