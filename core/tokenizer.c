/* tokenizer.c - see tokenizer.h. */
#include "core/tokenizer.h"

#include <string.h>

#include "core/mem.h"
#include "core/nfc.h"
#include "core/utf8.h"

void tokenizer_close(struct tokenizer *t) {
    mem_free(t->path);
    mem_free(t->chat_template);
    mem_free(t->tokens);
    mem_free(t->bytes);
    names_close(&t->words);
    specials_close(&t->specials);
    pretokenizer_close(&t->words_of);
    bpe_close(&t->bpe);
    *t = (struct tokenizer){0};
}

struct encoding {
    const struct tokenizer *t;
    struct bpe_space space;
    struct ids *out;
};

static int encode_word(void *context, const char *word, size_t n, struct err *err) {
    struct encoding *e = context;
    if (e->t->ignore_merges) {
        int id = names_find(&e->t->words, word, n);
        if (id >= 0) return ids_add(e->out, id, err);
    }
    return bpe_word(&e->t->bpe, word, n, &e->space, e->out, err);
}

static bool is_ascii(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] & 0x80) return false;
    return true;
}

/* n bytes of valid UTF-8. */
static int encode_text(struct encoding *e, const char *text, size_t n, struct err *err) {
    if (!e->t->nfc || is_ascii(text, n)) return pretokenizer_split(&e->t->words_of, text, n, encode_word, e, err);
    struct buffer composed = {0};
    int rc = nfc_add(text, n, &composed, err);
    if (rc == 0) rc = pretokenizer_split(&e->t->words_of, composed.at, composed.n, encode_word, e, err);
    buffer_close(&composed);
    return rc;
}

/* Any bytes between special tokens. What is no UTF-8 has no characters that a pattern could
 * speak of: each run of it is one word. */
static int encode_bytes(struct encoding *e, const char *text, size_t n, struct err *err) {
    for (size_t i = 0; i < n;) {
        size_t valid = utf8_run(text + i, n - i, true);
        if (valid && encode_text(e, text + i, valid, err)) return -1;
        i += valid;
        size_t broken = utf8_run(text + i, n - i, false);
        if (broken && encode_word(e, text + i, broken, err)) return -1;
        i += broken;
    }
    return 0;
}

/* A vocabulary of characters: one word, whatever it is made of. */
static int encode_sentence(struct encoding *e, const char *text, size_t n, bool first, struct err *err) {
    struct buffer marked = {0};
    int rc = metaspace_add(&e->t->spaces, text, n, first, &marked, err);
    if (rc == 0 && marked.n) rc = encode_word(e, marked.at, marked.n, err);
    buffer_close(&marked);
    return rc;
}

int tokenizer_encode_around(const struct tokenizer *t, const char *text, size_t n, size_t plain_from, size_t plain_to,
                            struct ids *out, struct err *err) {
    struct encoding e = {.t = t, .out = out};
    if (t->ids_only) return err_set(err, "'%s' has no tokenizer.json: prompts must be token ids ('prompt_ids')", t->path);
    size_t done = 0;
    int rc = 0;
    while (rc == 0 && done < n) {
        size_t where = n;
        const struct special *x = specials_find(&t->specials, text, n, done, plain_from, plain_to, &where);
        rc = t->spaces.on ? encode_sentence(&e, text + done, where - done, done == 0, err) : encode_bytes(&e, text + done, where - done, err);
        done = where;
        if (rc || !x) continue;
        rc = ids_add(out, x->id, err);
        done += x->n;
    }
    bpe_space_close(&e.space);
    return rc;
}

int tokenizer_encode(const struct tokenizer *t, const char *text, size_t n, bool special, struct ids *out,
                     struct err *err) {
    return tokenizer_encode_around(t, text, n, 0, special ? 0 : n, out, err);
}

int tokenizer_decode_one(const struct tokenizer *t, int id, bool special, struct buffer *out, struct err *err) {
    if (id < 0 || id >= t->size)
        return err_set(err, "token id %d is outside the vocabulary of '%s': 0 to %d expected", id, t->path, t->size - 1);
    const struct token *x = &t->tokens[id];
    if (x->kind == TOKEN_CONTROL && !special) return 0;
    return buffer_add(out, x->at, x->n, err);
}

int tokenizer_decode(const struct tokenizer *t, const int *ids, size_t n, bool special, struct buffer *out,
                     struct err *err) {
    size_t from = out->n;
    for (size_t i = 0; i < n; i++)
        if (tokenizer_decode_one(t, ids[i], special, out, err)) return err_add(err, " (item %zu)", i);
    if (t->spaces.on && t->spaces.prefix != PREFIX_NEVER && out->n > from && out->at[from] == ' ') // decoder Strip, start 1
        memmove(out->at + from, out->at + from + 1, --out->n - from);
    return 0;
}

int tokenizer_special(const struct tokenizer *t, const char *text) {
    const struct special *x = specials_named(&t->specials, text, strlen(text));
    return x ? x->id : -1;
}

bool tokenizer_is_end(const struct tokenizer *t, int id) { return id >= 0 && id < t->size && t->tokens[id].end; }

int tokenizer_set_eos(struct tokenizer *t, int id, struct err *err) {
    if (id < 0 || id >= t->size)
        return err_set(err, "eos token %d is outside the vocabulary of '%s': 0 to %d expected", id, t->path, t->size - 1);
    t->eos = id;
    t->tokens[id].end = true;
    return 0;
}
