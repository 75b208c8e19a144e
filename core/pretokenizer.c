/* pretokenizer.c - see pretokenizer.h. */
#include "core/pretokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdbool.h>
#include <string.h>

#include "core/buffer.h"
#include "core/mem.h"

// openai/gpt-2 src/encoder.py
const char pretokenizer_gpt2[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/* The characters of Unicode's White_Space. PCRE2's own \s has U+180E as well, which lost
 * that property in Unicode 6.3 and which the tokenizers' engines do not count. */
#define WHITE "\\t-\\r\\x{85}\\p{Z}"

/* The pattern with \s and \S spelled out. \S inside a class has no such spelling and stays. */
static int spell_white(const char *pattern, struct buffer *out, struct err *err) {
    bool in_class = false;
    for (const char *c = pattern; *c; c++) {
        const char *put = c;
        size_t n = 1;
        if (*c == '\\' && c[1]) {
            n = 2;
            if (c[1] == 's') put = in_class ? WHITE : "[" WHITE "]", n = strlen(put);
            else if (c[1] == 'S' && !in_class) put = "[^" WHITE "]", n = strlen(put);
            c++;
        } else if (*c == '[') {
            in_class = true;
        } else if (*c == ']') {
            in_class = false;
        }
        if (buffer_add(out, put, n, err)) return -1;
    }
    return 0;
}

static pcre2_code *compile(const char *pattern, const char *path, struct err *err) {
    struct buffer spelled = {0};
    if (spell_white(pattern, &spelled, err)) {
        buffer_close(&spelled);
        return NULL;
    }
    int number;
    PCRE2_SIZE at;
    // \C could leave a match inside a character
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)spelled.at, spelled.n, PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C,
                                     &number, &at, NULL);
    buffer_close(&spelled);
    if (!code) {
        PCRE2_UCHAR why[128];
        pcre2_get_error_message(number, why, sizeof why);
        err_set(err, "bad pre-tokenizer pattern '%.200s' in '%s': %s", pattern, path, (const char *)why);
    }
    return code;
}

int pretokenizer_add(struct pretokenizer *p, const char *pattern, const char *path, struct err *err) {
    if (p->n == PRETOKENIZER_STAGES)
        return err_set(err, "the pre-tokenizer of '%s' has more than %d stages", path, PRETOKENIZER_STAGES);
    pcre2_code *code = compile(pattern, path, err);
    if (!code) return -1;
    char *copy = mem_text(pattern, strlen(pattern), err);
    if (!copy) {
        pcre2_code_free(code);
        return -1;
    }
    (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); // where it cannot, pcre2_match interprets
    p->code[p->n] = code;
    p->pattern[p->n++] = copy;
    return 0;
}

void pretokenizer_close(struct pretokenizer *p) {
    for (int i = 0; i < p->n; i++) {
        pcre2_code_free(p->code[i]);
        mem_free(p->pattern[i]);
    }
    *p = (struct pretokenizer){0};
}

struct split {
    const struct pretokenizer *p;
    pcre2_match_data *match;
    pcre2_match_context *limits;
    pretokenizer_piece *piece;
    void *context;
};

/* The first match of a stage at or after `from`: 1, 0 for none, or an error. */
static int find(const struct split *s, int stage, const char *text, size_t n, size_t from, size_t *start, size_t *end,
                struct err *err) {
    const pcre2_code *code = s->p->code[stage];
    int rc = pcre2_match(code, (PCRE2_SPTR)text, n, from, PCRE2_NO_UTF_CHECK, s->match, s->limits);
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT) // the interpreter keeps its stack on the heap
        rc = pcre2_match(code, (PCRE2_SPTR)text, n, from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, s->match, s->limits);
    if (rc == PCRE2_ERROR_NOMATCH) return 0;
    if (rc < 0) {
        PCRE2_UCHAR why[128];
        pcre2_get_error_message(rc, why, sizeof why);
        return err_set(err, "pre-tokenizer pattern '%.200s' failed on %zu bytes of text: %s", s->p->pattern[stage], n,
                       (const char *)why);
    }
    const PCRE2_SIZE *range = pcre2_get_ovector_pointer(s->match);
    *start = range[0];
    *end = range[1];
    if (*start < from || *end < *start) // \K in a look-around can do that
        return err_set(err, "pre-tokenizer pattern '%.200s' matches backwards", s->p->pattern[stage]);
    return 1;
}

static int split(const struct split *s, int stage, const char *text, size_t n, struct err *err) {
    if (n == 0) return 0;
    if (stage == s->p->n) return s->piece(s->context, text, n, err);
    size_t done = 0, from = 0, start = 0, end = 0;
    int found = 0;
    while (from < n && (found = find(s, stage, text, n, from, &start, &end, err)) == 1) {
        if (start == end) { // an empty match cuts nothing; go on at the next character
            for (from = end + 1; from < n && ((unsigned char)text[from] & 0xc0) == 0x80;) from++;
            continue;
        }
        if (split(s, stage + 1, text + done, start - done, err) || split(s, stage + 1, text + start, end - start, err))
            return -1;
        done = from = end;
    }
    return found < 0 ? -1 : split(s, stage + 1, text + done, n - done, err);
}

int pretokenizer_split(const struct pretokenizer *p, const char *text, size_t n, pretokenizer_piece *piece,
                       void *context, struct err *err) {
    struct split s = {p, pcre2_match_data_create(1, NULL), pcre2_match_context_create(NULL), piece, context};
    int rc = -1;
    if (!s.match || !s.limits) {
        err_set(err, "cannot allocate the match data of a pre-tokenizer");
    } else {
        // a match may scan all of a long text; past that, a pattern is running away
        pcre2_set_match_limit(s.limits, (uint32_t)(n < 50000000 ? 10000000 + 64 * n : UINT32_MAX));
        rc = split(&s, 0, text, n, err);
    }
    pcre2_match_data_free(s.match);
    pcre2_match_context_free(s.limits);
    return rc;
}
