/* tokenizer_gguf.c - a tokenizer from GGUF metadata, keys tokenizer.ggml.* */
#include <string.h>

#include "core/gguf.h"
#include "core/mem.h"
#include "core/reader.h"
#include "core/tokenizer_build.h"

/* What tokenizer.ggml.pre stands for: ggml-org/llama.cpp src/llama-vocab.cpp, and the models'
 * own tokenizer.json for the normalizer, which GGUF does not carry. */
static const struct pre {
    const char *name, *stages[2];
    bool nfc, ignore_merges, add_bos;
} pres[] = {
    {.name = "gpt-2", .stages = {pretokenizer_gpt2}},
    {.name = "smollm", .stages = {"\\p{N}", pretokenizer_gpt2}},
    {.name = "llama-bpe", .ignore_merges = true, .add_bos = true,
     .stages = {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
                "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},
    {.name = "qwen2", .nfc = true,
     .stages = {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
                "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},
};

static const struct pre sentencepiece = {.name = "llama", .add_bos = true};

enum { TYPE_UNKNOWN = 2, TYPE_CONTROL = 3, TYPE_ADDED = 4, TYPE_UNUSED = 5, TYPE_BYTE = 6 }; // docs/gguf.md, tokenizer.ggml.token_type

static bool is(struct gguf_text text, const char *word) { return text.n == strlen(word) && !memcmp(text.at, word, text.n); }

static const struct pre *find_pre(const struct gguf *g, struct err *err) {
    struct gguf_text model, name;
    if (gguf_string(g, "tokenizer.ggml.model", true, &model, err)) return NULL;
    if (is(model, "llama")) return &sentencepiece;
    if (!is(model, "gpt2")) {
        err_set(err, "unknown tokenizer '%.*s' in '%s': 'gpt2' (byte-level BPE) or 'llama' (SentencePiece) expected",
                model.n > 64 ? 64 : (int)model.n, model.at, g->path);
        return NULL;
    }
    if (gguf_string(g, "tokenizer.ggml.pre", true, &name, err)) return NULL;
    for (size_t i = 0; i < sizeof pres / sizeof *pres; i++)
        if (is(name, pres[i].name)) return &pres[i];
    err_set(err, "unknown pre-tokenizer '%.*s' in '%s': gpt-2, smollm, llama-bpe or qwen2 expected",
            name.n > 64 ? 64 : (int)name.n, name.at, g->path);
    return NULL;
}

static const struct gguf_value *find_texts(const struct gguf *g, const char *key, struct err *err) {
    const struct gguf_value *v = gguf_find(g, key);
    if (v && v->type == GGUF_ARRAY && v->item == GGUF_STRING) return v;
    err_set(err, "key '%s' in '%s' is %s, expected an array of strings", key, g->path, v ? "of another type" : "missing");
    return NULL;
}

static int read_kinds(struct vocab *v, const struct gguf *g, struct err *err) {
    const char *key = "tokenizer.ggml.token_type";
    const struct gguf_value *types = gguf_find(g, key);
    if (!types) return 0; // all normal
    if (types->type != GGUF_ARRAY || (types->item != GGUF_I32 && types->item != GGUF_U32)
        || types->count != (uint64_t)v->size)
        return err_set(err, "bad key '%s' in '%s': an array of %d i32 expected", key, g->path, v->size);
    for (int i = 0; i < v->size; i++) {
        uint32_t type = le32(types->at + 4 * (size_t)i);
        v->kind[i] = type == TYPE_CONTROL || type == TYPE_UNKNOWN ? TOKEN_CONTROL
                   : type == TYPE_ADDED                           ? TOKEN_ADDED
                   : type == TYPE_UNUSED                          ? TOKEN_UNUSED
                   : type == TYPE_BYTE                            ? TOKEN_BYTE
                                                                  : TOKEN_NORMAL;
        if (type == TYPE_UNKNOWN) v->unknown = i;
        if (type == TYPE_BYTE && vocab_byte(v->text[i]) < 0)
            return err_set(err, "token %d of '%s' is '%.*s', a byte such as <0x41> expected", i, g->path,
                           v->text[i].n > 64 ? 64 : (int)v->text[i].n, v->text[i].at);
    }
    return 0;
}

static int read_texts(struct vocab *v, const struct gguf *g, const struct gguf_value *tokens,
                      const struct gguf_value *merges, struct err *err) {
    uint64_t merge_count = merges ? merges->count : 0;
    struct gguf_text *texts = mem_alloc((size_t)(tokens->count > merge_count ? tokens->count : merge_count),
                                        sizeof *texts, "the vocabulary", err);
    if (!texts) return -1;
    int rc = gguf_strings(g, tokens, texts, err);
    for (int i = 0; i < v->size && rc == 0; i++) v->text[i] = (struct vocab_text){texts[i].at, (size_t)texts[i].n};
    if (rc == 0 && merges) rc = gguf_strings(g, merges, texts, err);
    for (size_t i = 0; i < v->merges && rc == 0; i++) rc = vocab_set_merge(v, i, texts[i].at, (size_t)texts[i].n, err);
    mem_free(texts);
    return rc;
}

/* SentencePiece: scores in place of merges. */
static int read_scored(struct vocab *v, const struct gguf *g, struct err *err) {
    const struct gguf_value *tokens = find_texts(g, "tokenizer.ggml.tokens", err), *scores = gguf_find(g, "tokenizer.ggml.scores");
    bool prefix;
    if (!tokens || gguf_bool(g, "tokenizer.ggml.add_space_prefix", false, true, &prefix, err)) return -1;
    if (!scores || scores->type != GGUF_ARRAY || scores->item != GGUF_F32 || scores->count != tokens->count)
        return err_set(err, "bad key 'tokenizer.ggml.scores' in '%s': an array of %llu f32 expected", g->path, (unsigned long long)tokens->count);
    if (vocab_open(v, g->path, (size_t)tokens->count, 0, err)) return -1;
    v->spaces = (struct metaspace){.on = true, .prefix = prefix ? PREFIX_ALWAYS : PREFIX_NEVER};
    v->scores = scores->at;
    return read_texts(v, g, tokens, NULL, err) || read_kinds(v, g, err) ? -1 : 0;
}

static int read_vocab(struct vocab *v, const struct gguf *g, const struct pre *pre, struct err *err) {
    if (pre == &sentencepiece) return read_scored(v, g, err);
    const struct gguf_value *tokens = find_texts(g, "tokenizer.ggml.tokens", err);
    const struct gguf_value *merges = tokens ? find_texts(g, "tokenizer.ggml.merges", err) : NULL;
    if (!merges || vocab_open(v, g->path, (size_t)tokens->count, (size_t)merges->count, err)) return -1;
    v->nfc = pre->nfc;
    v->ignore_merges = pre->ignore_merges;
    for (int i = 0; i < 2 && pre->stages[i]; i++)
        if (pretokenizer_add(&v->words_of, pre->stages[i], g->path, err)) return -1;
    return read_texts(v, g, tokens, merges, err) || read_kinds(v, g, err) ? -1 : 0;
}

/* An optional token id: -1 when absent. */
static int read_id(const struct tokenizer *t, const struct gguf *g, const char *key, int *out, struct err *err) {
    uint32_t id;
    *out = -1;
    if (!gguf_find(g, key)) return 0;
    if (gguf_u32(g, key, true, 0, &id, err)) return -1;
    if (id >= (uint32_t)t->size)
        return err_set(err, "key '%s' in '%s' is %u, outside the vocabulary of %d tokens", key, g->path, id, t->size);
    *out = (int)id;
    return 0;
}

static int read_specials(struct tokenizer *t, const struct gguf *g, const struct pre *pre, struct err *err) {
    struct gguf_text text;
    int eot;
    if (read_id(t, g, "tokenizer.ggml.bos_token_id", &t->bos, err)
        || read_id(t, g, "tokenizer.ggml.eos_token_id", &t->eos, err)
        || read_id(t, g, "tokenizer.ggml.eot_token_id", &eot, err)
        || gguf_bool(g, "tokenizer.ggml.add_bos_token", false, pre->add_bos, &t->add_bos, err)
        || gguf_string(g, "tokenizer.chat_template", false, &text, err))
        return -1;
    if (t->eos >= 0) t->tokens[t->eos].end = true;
    if (eot >= 0) t->tokens[eot].end = true;
    if (t->bos < 0) t->add_bos = false;
    if (text.n && !(t->chat_template = mem_text(text.at, (size_t)text.n, err))) return -1;
    return 0;
}

int tokenizer_open_gguf(struct tokenizer *t, const struct gguf *g, struct err *err) {
    *t = (struct tokenizer){0};
    const struct pre *pre = find_pre(g, err);
    if (!pre) return -1;
    struct vocab v = {0};
    int rc = read_vocab(&v, g, pre, err);
    if (rc == 0) rc = tokenizer_build(t, &v, err);
    if (rc == 0 && (rc = read_specials(t, g, pre, err))) tokenizer_close(t);
    vocab_close(&v);
    return rc;
}
