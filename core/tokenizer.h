/* tokenizer.h - text to token ids and back: byte-pair encoding, of bytes (GPT-2, Llama-3, Qwen2,
 * SmolLM2) or of characters with byte fallback (SentencePiece: Llama-2, TinyLlama).
 *
 *   text -> special tokens cut out -> [NFC] -> pre-tokenizer: words -> merging: ids
 *                                  -> [a space before it] ---------> merging: ids     (characters)
 *
 * read from a GGUF file's metadata (docs/gguf.md, "Tokenizer") or from a Hugging Face
 * tokenizer.json. Any bytes can be encoded: those that are no UTF-8 form words of their own.
 * What comes back is what went in, except that a vocabulary that lacks a byte loses it
 * (SmolLM2 lacks some control characters) and that NFC, where the model asks for it, stays. */
#ifndef CORE_TOKENIZER_H
#define CORE_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/bpe.h"
#include "core/buffer.h"
#include "core/err.h"
#include "core/map.h"
#include "core/metaspace.h"
#include "core/names.h"
#include "core/pretokenizer.h"
#include "core/special.h"

struct gguf;

enum token_kind { TOKEN_NORMAL, TOKEN_CONTROL, TOKEN_ADDED, TOKEN_UNUSED, TOKEN_BYTE }; // TOKEN_BYTE: "<0x41>", one byte

struct token {
    const char *at; // its bytes, not terminated; points into tokenizer.bytes
    size_t n;
    enum token_kind kind;
    bool end;       // ends a generation
};

struct tokenizer {
    char *path;              // owned copy, for messages
    int size;                // vocabulary: ids are 0..size-1
    int bos, eos;            // -1: none known
    bool add_bos;            // a prompt begins with bos; tokenizer_encode leaves it to the caller
    char *chat_template;     // the model's own, in Jinja; owned; null: none
    char sha256[SHA256_HEX]; // of tokens, merges and patterns, whatever file they came from
    bool ids_only;           // no vocabulary is known: see tokenizer_model.h
    struct metaspace spaces; // on: a vocabulary of characters, tokens of which hold "▁" for a space
    bool nfc, ignore_merges; // ignore_merges: a word that is a token is that token
    struct token *tokens;    // (size), owned
    char *bytes;             // owned
    struct names words;      // bytes -> id of normal tokens
    struct specials specials;
    struct pretokenizer words_of;
    struct bpe bpe;
};

/* From a GGUF file, a Hugging Face directory or its tokenizer.json, told apart by what they
 * are. On failure nothing is left open and `err` names the file. */
int tokenizer_open(struct tokenizer *t, const char *path, struct err *err);
int tokenizer_open_gguf(struct tokenizer *t, const struct gguf *g, struct err *err); // g may be closed afterwards
/* eos, bos and the chat template come from a tokenizer_config.json beside it, if any. */
int tokenizer_open_json(struct tokenizer *t, const char *path, struct err *err);
/* The parser alone (fuzzing). config: text of tokenizer_config.json, or null. */
int tokenizer_parse_json(struct tokenizer *t, const char *path, const char *json, size_t n, const char *config,
                         size_t config_n, struct err *err);
void tokenizer_close(struct tokenizer *t); // a zeroed one is fine

/* Appends the ids of n bytes of text; no bos, no eos. `special`: control tokens written in
 * the text are recognised; false: they are text like any other. Safe from many threads. */
int tokenizer_encode(const struct tokenizer *t, const char *text, size_t n, bool special, struct ids *out,
                     struct err *err);

/* The same for markup around a user's text: control tokens are recognised outside
 * [plain_from, plain_to) only. */
int tokenizer_encode_around(const struct tokenizer *t, const char *text, size_t n, size_t plain_from, size_t plain_to,
                            struct ids *out, struct err *err);

/* Appends the bytes of n ids, which need not be valid UTF-8 (see utf8_lossy and
 * text_stream.h). `special` false leaves control tokens out. The space that encoding put before the
 * text is taken away again. An id outside the vocabulary
 * is an error. */
int tokenizer_decode(const struct tokenizer *t, const int *ids, size_t n, bool special, struct buffer *out,
                     struct err *err);

/* The same for one id in the middle of a text. */
int tokenizer_decode_one(const struct tokenizer *t, int id, bool special, struct buffer *out, struct err *err);

/* The id of a control or added token, by its text ("<|im_end|>"); -1: absent. */
int tokenizer_special(const struct tokenizer *t, const char *text);

/* True for eos and its like (<|im_end|>, <|eot_id|>, <|end_of_text|>, <|endoftext|>). */
bool tokenizer_is_end(const struct tokenizer *t, int id);

/* Makes `id` the eos token, for a loader that knows better (config.json). */
int tokenizer_set_eos(struct tokenizer *t, int id, struct err *err);

#endif
