/* cmd_tokenize.c - text to token ids and back, one JSON value a line. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/chat.h"
#include "core/cmd.h"
#include "core/opt.h"
#include "core/tokenizer.h"
#include "core/utf8.h"

struct job {
    const struct tokenizer *tokenizer;
    const struct chat *chat; // null: no template
    bool decode;
};

static int encode_line(const struct job *job, const json_t *value, struct err *err) {
    if (!json_is_string(value)) return err_set(err, "a JSON string expected");
    const char *text = json_string_value(value);
    size_t n = json_string_length(value);
    struct ids ids = {0};
    int rc = job->chat ? chat_render(job->chat, text, n, &ids, err)
                       : tokenizer_encode(job->tokenizer, text, n, true, &ids, err);
    if (rc == 0) {
        putchar('[');
        for (size_t i = 0; i < ids.n; i++) printf(i ? ",%d" : "%d", ids.at[i]);
        puts("]");
    }
    ids_close(&ids);
    return rc;
}

static int read_ids(const struct tokenizer *t, const json_t *array, struct ids *ids, struct err *err) {
    size_t i;
    json_t *item;
    if (!json_is_array(array)) return err_set(err, "a JSON array of token ids expected");
    json_array_foreach(array, i, item) {
        json_int_t id = json_is_integer(item) ? json_integer_value(item) : -1;
        if (id < 0 || id >= t->size)
            return err_set(err, "item %zu is no token id: a whole number from 0 to %d expected", i, t->size - 1);
        if (ids_add(ids, (int)id, err)) return -1;
    }
    return 0;
}

static int print_text(const struct buffer *bytes, struct err *err) {
    struct buffer text = {0};
    int rc = utf8_lossy(bytes->at, bytes->n, &text, err);
    if (rc == 0) {
        json_t *string = json_stringn(text.at ? text.at : "", text.n);
        if (!string || json_dumpf(string, stdout, JSON_ENCODE_ANY)) rc = err_set(err, "cannot write %zu bytes of text", text.n);
        else putchar('\n');
        json_decref(string);
    }
    buffer_close(&text);
    return rc;
}

static int decode_line(const struct job *job, const json_t *value, struct err *err) {
    struct ids ids = {0};
    struct buffer bytes = {0};
    int rc = read_ids(job->tokenizer, value, &ids, err);
    if (rc == 0) rc = tokenizer_decode(job->tokenizer, ids.at, ids.n, true, &bytes, err);
    if (rc == 0) rc = print_text(&bytes, err);
    ids_close(&ids);
    buffer_close(&bytes);
    return rc;
}

static int run_line(const struct job *job, const char *line, size_t n, struct err *err) {
    json_error_t why;
    json_t *value = json_loadb(line, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
    if (!value) return err_set(err, "bad JSON: %s", why.text);
    int rc = job->decode ? decode_line(job, value, err) : encode_line(job, value, err);
    json_decref(value);
    return rc;
}

static int run_lines(const struct job *job, struct err *err) {
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    int rc = 0;
    for (long number = 1; rc == 0 && (n = getline(&line, &room, stdin)) >= 0; number++) {
        struct err why = {""};
        rc = run_line(job, line, (size_t)n, &why);
        if (rc) err_set(err, "line %ld of standard input: %s", number, why.text);
    }
    if (rc == 0 && ferror(stdin)) rc = err_set(err, "cannot read standard input: %s", strerror(errno));
    free(line);
    return rc;
}

static int run_job(const struct tokenizer *t, bool chat, bool decode, const char *template, struct err *err) {
    struct chat opened = {0};
    int rc = chat ? chat_open(&opened, t, template, err) : 0;
    struct job job = {t, chat ? &opened : NULL, decode};
    if (rc == 0) rc = run_lines(&job, err);
    chat_close(&opened);
    return rc;
}

int cmd_tokenize(int argc, char **argv, struct err *err) {
    const char *model = NULL, *template = NULL;
    bool chat = false, decode = false;
    const struct opt table[] = {
        {.name = "model", .kind = OPT_TEXT, .to = &model, .arg = "M", .help = "GGUF file, Hugging Face directory or tokenizer.json", .required = true},
        {.name = "decode", .kind = OPT_FLAG, .to = &decode, .help = "token ids to text; bytes that are no UTF-8 become U+FFFD"},
        {.name = "chat", .kind = OPT_FLAG, .to = &chat, .help = "put each text into the model's chat template"},
        {.name = "template", .kind = OPT_TEXT, .to = &template, .arg = "NAME", .help = "with --chat: " CHAT_NAMES " instead of the model's own"},
        {0},
    };
    const struct opt_help help = {
        "tokenize --model M [--decode | --chat [--template NAME]]",
        "Reads a JSON string a line and prints a JSON array of token ids a line; --decode goes\n"
        "the other way. Special tokens written in a text are recognised, but not in the text\n"
        "given to --chat. No bos or eos token is added, except by a template.",
        "  echo '\"Hello world\"' | banditspec tokenize --model model.gguf",
    };
    int rc = opt_parse(table, &help, argc, argv, err);
    if (rc) return rc < 0 ? rc : 0;
    if (decode && chat) return err_usage(err, "--decode and --chat exclude each other");
    if (template && !chat) return err_usage(err, "--template needs --chat");
    struct tokenizer t;
    if (tokenizer_open(&t, model, err)) return -1;
    rc = run_job(&t, chat, decode, template, err);
    tokenizer_close(&t);
    return rc;
}
