/* tokenizer_build.c - vocabulary, merges and patterns into the tables that encoding uses. */
#include "core/tokenizer_build.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytemap.h"
#include "core/mem.h"
#include "core/reader.h"

int vocab_open(struct vocab *v, const char *path, size_t size, size_t merges, struct err *err) {
    *v = (struct vocab){.path = path, .unknown = -1};
    if (size == 0 || size > INT32_MAX / 2 || merges > INT32_MAX / 2)
        return err_set(err, "the tokenizer of '%s' has %zu tokens and %zu merges", path, size, merges);
    v->size = (int)size;
    v->merges = merges;
    v->text = mem_alloc(size, sizeof *v->text, "the vocabulary", err);
    v->kind = v->text ? mem_alloc(size, sizeof *v->kind, "the vocabulary", err) : NULL;
    v->merge = v->kind ? mem_alloc(merges, sizeof *v->merge, "the merges", err) : NULL;
    return v->merge ? 0 : -1;
}

void vocab_close(struct vocab *v) {
    mem_free(v->text);
    mem_free(v->kind);
    mem_free(v->merge);
    pretokenizer_close(&v->words_of);
    *v = (struct vocab){0};
}

int vocab_set_merge(struct vocab *v, size_t rank, const char *at, size_t n, struct err *err) {
    const char *gap = n > 2 ? memchr(at + 1, ' ', n - 2) : NULL;
    if (!gap) return err_set(err, "bad merge %zu '%.*s' in '%s': two tokens with a space between expected", rank,
                             n > 64 ? 64 : (int)n, at, v->path);
    v->merge[rank][0] = (struct vocab_text){at, (size_t)(gap - at)};
    v->merge[rank][1] = (struct vocab_text){gap + 1, n - (size_t)(gap + 1 - at)};
    return 0;
}

/* What the text of a normal token stands for, no longer than itself; -1: for nothing that a text could hold. */
static long bytes_of(const struct metaspace *spaces, struct vocab_text text, char *out) {
    if (!spaces->on) return bytemap_bytes(text.at, text.n, out);
    if (text.n && memchr(text.at, ' ', text.n)) return -1; // a text's spaces are all marked
    return (long)metaspace_plain(text.at, text.n, out);
}

int vocab_byte(struct vocab_text text) {
    static const char digits[] = "0123456789ABCDEF";
    if (text.n != 6 || memcmp(text.at, "<0x", 3) || text.at[5] != '>') return -1;
    const char *high = memchr(digits, text.at[3], 16), *low = memchr(digits, text.at[4], 16);
    return high && low ? (int)(high - digits) * 16 + (int)(low - digits) : -1;
}

/* Room for the bytes of all tokens: a token has no more bytes than its text. */
static int open_bytes(struct tokenizer *t, const struct vocab *v, struct err *err) {
    size_t total = 0;
    for (int i = 0; i < v->size; i++) total += v->text[i].n;
    t->bytes = mem_alloc(total, 1, "the tokens' bytes", err);
    return t->bytes ? 0 : -1;
}

/* Every token's bytes; normal ones into the table of words too. */
static int add_tokens(struct tokenizer *t, const struct vocab *v, struct err *err) {
    t->size = v->size;
    t->tokens = mem_alloc((size_t)v->size, sizeof *t->tokens, "the vocabulary", err);
    if (!t->tokens || open_bytes(t, v, err) || names_open(&t->words, (size_t)v->size, "the vocabulary", err)) return -1;
    char *next = t->bytes;
    for (int i = 0; i < v->size; i++) {
        struct token *x = &t->tokens[i];
        long n = v->kind[i] == TOKEN_NORMAL && v->text[i].at ? bytes_of(&v->spaces, v->text[i], next) : -1;
        *x = (struct token){.at = next, .n = n < 0 ? v->text[i].n : (size_t)n, .kind = v->kind[i]};
        if (!v->text[i].at) x->kind = TOKEN_UNUSED;
        else if (x->kind == TOKEN_BYTE) *next = (char)vocab_byte(v->text[i]), x->n = 1;
        else if (n < 0) memcpy(next, v->text[i].at, x->n); // text that merging cannot make: as it is
        else if (names_add(&t->words, x->at, x->n, i) != i)
            return err_set(err, "tokens %d and %d of '%s' are the same, '%.*s'", names_find(&t->words, x->at, x->n), i,
                           v->path, v->text[i].n > 64 ? 64 : (int)v->text[i].n, v->text[i].at);
        next += x->n;
    }
    return 0;
}

static int add_specials(struct tokenizer *t, struct err *err) {
    size_t n = 0;
    for (int i = 0; i < t->size; i++) n += t->tokens[i].kind == TOKEN_CONTROL || t->tokens[i].kind == TOKEN_ADDED;
    struct special *list = mem_alloc(n, sizeof *list, "the special tokens", err);
    if (!list) return -1;
    n = 0;
    for (int i = 0; i < t->size; i++) {
        const struct token *x = &t->tokens[i];
        if (x->n && (x->kind == TOKEN_CONTROL || x->kind == TOKEN_ADDED))
            list[n++] = (struct special){x->at, x->n, i, x->kind == TOKEN_CONTROL};
    }
    specials_sort(&t->specials, list, n);
    return 0;
}

/* The id of a merge's half, whose bytes go to `out`: -1 when the vocabulary lacks it, -2
 * when no text can reach it. */
static int find_half(const struct tokenizer *t, struct vocab_text half, char *out, long *n) {
    *n = bytes_of(&t->spaces, half, out);
    return *n < 0 ? -2 : names_find(&t->words, out, (size_t)*n);
}

static int add_merge(struct tokenizer *t, const struct vocab *v, size_t rank, char *scratch, struct err *err) {
    const struct vocab_text *half = v->merge[rank];
    long left_n, right_n;
    int left = find_half(t, half[0], scratch, &left_n);
    if (left == -2) return 0;
    int right = find_half(t, half[1], scratch + left_n, &right_n);
    if (right == -2) return 0;
    int merged = names_find(&t->words, scratch, (size_t)(left_n + right_n));
    if (left < 0 || right < 0 || merged < 0)
        return err_set(err, "merge %zu of '%s' ('%.*s' and '%.*s') needs a token that the vocabulary lacks", rank, v->path,
                       half[0].n > 64 ? 64 : (int)half[0].n, half[0].at, half[1].n > 64 ? 64 : (int)half[1].n, half[1].at);
    bpe_add(&t->bpe, left, right, (uint32_t)rank, merged);
    return 0;
}

/* SentencePiece has scores: any two neighbours that are a token together may become it, the highest score
 * first (Kudo & Richardson 2018; sentencepiece, bpe_model.cc). So each way to cut a token in two is a merge,
 * and all of a token's have one rank; equal scores have equal ranks. */
enum { PIECE_MAX = 1024 }; // bytes; SentencePiece's own limit is 16 characters by default

struct scored {
    float score;
    int id;
};

static int by_score(const void *a, const void *b) {
    const struct scored *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static int add_scored(struct tokenizer *t, const struct vocab *v, struct err *err) {
    size_t n = 0, cuts = 0;
    struct scored *list = mem_alloc((size_t)t->size, sizeof *list, "the scores", err);
    if (!list) return -1;
    for (int i = 0; i < t->size; i++) {
        if (t->tokens[i].kind != TOKEN_NORMAL || t->tokens[i].n < 2 || t->tokens[i].n > PIECE_MAX) continue;
        list[n++] = (struct scored){le_f32(v->scores + 4 * (size_t)i), i};
        cuts += t->tokens[i].n - 1;
    }
    qsort(list, n, sizeof *list, by_score);
    int rc = bpe_open(&t->bpe, cuts, err);
    uint32_t rank = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct token *x = &t->tokens[list[i].id];
        rank += i && list[i].score != list[i - 1].score;
        for (size_t cut = 1; cut < x->n; cut++) {
            int left = names_find(&t->words, x->at, cut), right = names_find(&t->words, x->at + cut, x->n - cut);
            if (left >= 0 && right >= 0) bpe_add(&t->bpe, left, right, rank, list[i].id);
        }
    }
    mem_free(list);
    return rc;
}

static void set_characters(struct tokenizer *t, const struct vocab *v) {
    t->bpe.characters = t->words;
    t->bpe.unknown = v->unknown;
    for (int i = 0; i < t->size; i++)
        if (t->tokens[i].kind == TOKEN_BYTE) t->bpe.byte[(unsigned char)*t->tokens[i].at] = i;
}

static int add_merges(struct tokenizer *t, const struct vocab *v, struct err *err) {
    if (v->scores ? add_scored(t, v, err) : bpe_open(&t->bpe, v->merges, err)) return -1;
    if (t->spaces.on) set_characters(t, v);
    else for (int b = 0; b < 256; b++) t->bpe.byte[b] = names_find(&t->words, (const char[]){(char)b}, 1);
    size_t longest = 0;
    for (size_t i = 0; i < v->merges; i++) {
        size_t n = v->merge[i][0].n + v->merge[i][1].n;
        if (n > longest) longest = n;
    }
    char *scratch = mem_alloc(longest, 1, "a merge", err);
    int rc = scratch ? 0 : -1;
    for (size_t i = 0; i < v->merges && rc == 0; i++) rc = add_merge(t, v, i, scratch, err);
    mem_free(scratch);
    return rc;
}

static void digest_text(EVP_MD_CTX *md, char tag, size_t number, const void *at, size_t n) {
    char head[64];
    int head_n = snprintf(head, sizeof head, "%c %zu %zu\n", tag, number, n);
    EVP_DigestUpdate(md, head, (size_t)head_n);
    EVP_DigestUpdate(md, at, n);
}

/* SHA-256 of a canonical listing: "t ID BYTES\n" and the bytes of each token in use, "m RANK
 * N\n" and both halves of each merge, "p STAGE N\n" and the pattern of each stage, the flags. */
static int digest(struct tokenizer *t, const struct vocab *v, struct err *err) {
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    unsigned char out[32];
    if (!md || !EVP_DigestInit_ex(md, EVP_sha256(), NULL)) {
        EVP_MD_CTX_free(md);
        return err_set(err, "cannot compute the SHA-256 of the tokenizer of '%s'", v->path);
    }
    for (int i = 0; i < t->size; i++)
        if (t->tokens[i].kind != TOKEN_UNUSED) digest_text(md, 't', (size_t)i, t->tokens[i].at, t->tokens[i].n);
    for (size_t i = 0; i < v->merges && !t->spaces.on; i++) // SentencePiece's follow from its tokens, and its two kinds of file list them differently
        for (int half = 0; half < 2; half++) digest_text(md, 'm', i, v->merge[i][half].at, v->merge[i][half].n);
    for (int i = 0; i < t->words_of.n; i++)
        digest_text(md, 'p', (size_t)i, t->words_of.pattern[i], strlen(t->words_of.pattern[i]));
    digest_text(md, 'f', (size_t)t->spaces.prefix << 3 | (size_t)t->spaces.on << 2 | (size_t)t->nfc << 1 | t->ignore_merges, "", 0);
    int ok = EVP_DigestFinal_ex(md, out, NULL);
    EVP_MD_CTX_free(md);
    if (!ok) return err_set(err, "cannot compute the SHA-256 of the tokenizer of '%s'", v->path);
    for (int i = 0; i < 32; i++) snprintf(t->sha256 + 2 * i, 3, "%02x", out[i]);
    return 0;
}

/* Control tokens that end a turn or a text in the models these vocabularies belong to. */
static void mark_ends(struct tokenizer *t) {
    static const char *const names[] = {"<|im_end|>", "<|eot_id|>", "<|end_of_text|>", "<|endoftext|>"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct special *x = specials_named(&t->specials, names[i], strlen(names[i]));
        if (x && x->control) t->tokens[x->id].end = true;
    }
}

int tokenizer_build(struct tokenizer *t, struct vocab *v, struct err *err) {
    *t = (struct tokenizer){.bos = -1, .eos = -1, .spaces = v->spaces, .nfc = v->nfc, .ignore_merges = v->ignore_merges};
    t->words_of = v->words_of;
    v->words_of = (struct pretokenizer){0};
    t->path = mem_text(v->path, strlen(v->path), err);
    if (!t->path || add_tokens(t, v, err) || add_specials(t, err) || add_merges(t, v, err) || digest(t, v, err)) {
        tokenizer_close(t);
        return -1;
    }
    mark_ends(t);
    return 0;
}
