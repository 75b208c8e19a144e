/* bpe.c - see bpe.h. */
#include "core/bpe.h"

#include "core/mem.h"
#include "core/utf8.h"

int bpe_open(struct bpe *b, size_t merges, struct err *err) {
    size_t slots = 16;
    while (slots / 2 < merges) slots *= 2;
    *b = (struct bpe){.pairs = mem_alloc(slots, sizeof *b->pairs, "the merges", err), .mask = slots - 1, .unknown = -1};
    for (int i = 0; i < 256; i++) b->byte[i] = -1;
    return b->pairs ? 0 : -1;
}

void bpe_close(struct bpe *b) {
    mem_free(b->pairs);
    *b = (struct bpe){0};
}

static uint64_t key_of(int left, int right) { return (uint64_t)(uint32_t)left << 32 | (uint32_t)right; }

static struct bpe_pair *slot_of(const struct bpe *b, uint64_t key) {
    uint64_t h = key * 0x9e3779b97f4a7c15u;
    for (size_t i = (h ^ h >> 32) & b->mask;; i = (i + 1) & b->mask)
        if (!b->pairs[i].rank_1 || b->pairs[i].key == key) return &b->pairs[i];
}

void bpe_add(struct bpe *b, int left, int right, uint32_t rank, int merged) {
    struct bpe_pair *slot = slot_of(b, key_of(left, right));
    if (!slot->rank_1) *slot = (struct bpe_pair){key_of(left, right), rank + 1, merged};
}

void bpe_space_close(struct bpe_space *s) {
    mem_free(s->symbols);
    mem_free(s->heap);
    *s = (struct bpe_space){0};
}

/* The heap holds rank + 1 << 32 | place of the left symbol: lowest rank first, then leftmost. */
static void heap_push(struct bpe_space *s, uint64_t item) {
    size_t i = s->heap_n++;
    for (; i && s->heap[(i - 1) / 2] > item; i = (i - 1) / 2) s->heap[i] = s->heap[(i - 1) / 2];
    s->heap[i] = item;
}

static uint64_t heap_pop(struct bpe_space *s) {
    uint64_t top = s->heap[0], last = s->heap[--s->heap_n];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < s->heap_n; i = child) {
        if (child + 1 < s->heap_n && s->heap[child + 1] < s->heap[child]) child++;
        if (s->heap[child] >= last) break;
        s->heap[i] = s->heap[child];
    }
    s->heap[i] = last;
    return top;
}

/* Looks up the pair that starts at `place` and queues it. */
static void queue_pair(const struct bpe *b, struct bpe_space *s, int place) {
    struct bpe_symbol *left = &s->symbols[place];
    left->rank_1 = left->next < 0 ? 0 : slot_of(b, key_of(left->id, s->symbols[left->next].id))->rank_1;
    if (left->rank_1) heap_push(s, (uint64_t)left->rank_1 << 32 | (uint32_t)place);
}

static void merge_pair(const struct bpe *b, struct bpe_space *s, int place) {
    struct bpe_symbol *left = &s->symbols[place], *right = &s->symbols[left->next];
    left->id = slot_of(b, key_of(left->id, right->id))->merged;
    left->next = right->next;
    right->id = -1;
    right->rank_1 = 0; // its pair, if queued, is stale
    if (left->next >= 0) s->symbols[left->next].previous = place;
    queue_pair(b, s, place);
    if (left->previous >= 0) queue_pair(b, s, left->previous);
}

static void add_symbol(struct bpe_space *s, int *count, int id) {
    s->symbols[*count] = (struct bpe_symbol){.id = id, .previous = *count - 1, .next = *count + 1};
    ++*count;
}

static int split_bytes(const struct bpe *b, const char *word, size_t n, struct bpe_space *s) {
    int count = 0;
    for (size_t i = 0; i < n; i++)
        if (b->byte[(unsigned char)word[i]] >= 0) add_symbol(s, &count, b->byte[(unsigned char)word[i]]);
    return count;
}

/* What is no character falls back like one that the vocabulary lacks. */
static int split_characters(const struct bpe *b, const char *word, size_t n, struct bpe_space *s) {
    int count = 0;
    for (size_t i = 0, step; i < n; i += step) {
        step = (size_t)utf8_step(word + i, n - i).n;
        int id = names_find(&b->characters, word + i, step), spelled = 0;
        for (size_t k = 0; k < step; k++) spelled += b->byte[(unsigned char)word[i + k]] >= 0;
        if (id >= 0) add_symbol(s, &count, id);
        else if (spelled == (int)step)
            for (size_t k = 0; k < step; k++) add_symbol(s, &count, b->byte[(unsigned char)word[i + k]]);
        else if (b->unknown >= 0 && !(count && s->symbols[count - 1].id == b->unknown)) add_symbol(s, &count, b->unknown);
    }
    return count;
}

int bpe_word(const struct bpe *b, const char *word, size_t n, struct bpe_space *space, struct ids *out, struct err *err) {
    if (n > INT32_MAX / 4) return err_set(err, "a word of %zu bytes is too long to tokenize", n);
    // a merge removes one symbol and queues at most two pairs: fewer than 3 n are ever queued
    if (mem_grow(&space->symbols, &space->symbol_room, n, sizeof *space->symbols, "a word's symbols", err)
        || mem_grow(&space->heap, &space->heap_room, 3 * n, sizeof *space->heap, "a word's pairs", err))
        return -1;
    int count = b->characters.slots ? split_characters(b, word, n, space) : split_bytes(b, word, n, space);
    if (count) space->symbols[count - 1].next = -1;
    space->heap_n = 0;
    for (int i = 0; i < count; i++) queue_pair(b, space, i);
    while (space->heap_n) {
        uint64_t top = heap_pop(space);
        int place = (int)(uint32_t)top;
        if (space->symbols[place].rank_1 == top >> 32) merge_pair(b, space, place);
    }
    for (int i = count ? 0 : -1; i >= 0; i = space->symbols[i].next)
        if (ids_add(out, space->symbols[i].id, err)) return -1;
    return 0;
}
