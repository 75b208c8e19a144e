/* cmd_datastore.c - `banditspec datastore`: makes what the drafter `rest` retrieves from, out of texts and recorded traces. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "core/cmd.h"
#include "core/datastore.h"
#include "core/opt.h"
#include "core/progress.h"
#include "core/tokenizer.h"
#include "traces/db.h"

struct building {
    const char *model, *out;
    struct texts texts, traces;
    struct tokenizer tokenizer;
    struct ids tokens;
};

static int end_document(struct building *b, struct err *err) {
    bool empty = !b->tokens.n || b->tokens.at[b->tokens.n - 1] == DATASTORE_END;
    return empty ? 0 : ids_add(&b->tokens, DATASTORE_END, err);
}

/* One text file is one document. */
static int add_text(struct building *b, const char *path, struct err *err) {
    struct file_map map;
    if (file_map_open(&map, path, err)) return -1;
    int rc = tokenizer_encode(&b->tokenizer, (const char *)map.bytes, map.size, false, &b->tokens, err);
    file_map_close(&map);
    return rc ? rc : end_document(b, err);
}

static int add_blob(struct building *b, sqlite3_stmt *s, int column, struct err *err) {
    const unsigned char *at = sqlite3_column_blob(s, column);
    for (int i = 0, n = sqlite3_column_bytes(s, column) / 4; i < n; i++) {
        int id = (int)(at[4 * i] | (unsigned)at[4 * i + 1] << 8 | (unsigned)at[4 * i + 2] << 16 | (unsigned)at[4 * i + 3] << 24);
        if (id < 0 || id >= b->tokenizer.size) return err_set(err, "token id %d in a prompt, expected 0 to %d", id, b->tokenizer.size - 1);
        if (ids_add(&b->tokens, id, err)) return -1;
    }
    return 0;
}

/* A sequence is a document: its prompt and what was emitted. Only recordings with this tokenizer, and with token ids. */
static int add_sequence(struct building *b, sqlite3 *db, const char *path, sqlite3_stmt *sequence, struct err *err) {
    sqlite3_stmt *s = NULL;
    if (add_blob(b, sequence, 1, err)) return -1;
    int rc = ids_add(&b->tokens, sqlite3_column_int(sequence, 2), err);
    if (!rc) rc = db_prepare(db, path, "SELECT token FROM step WHERE sequence = ? ORDER BY pos", &s, err);
    if (!rc) sqlite3_bind_int64(s, 1, sqlite3_column_int64(sequence, 0));
    while (!rc && (rc = db_step(db, path, s, err)) == 1) {
        int id = sqlite3_column_int(s, 0);
        rc = id < 0 || id >= b->tokenizer.size ? err_set(err, "token id %d in '%s', expected 0 to %d", id, path, b->tokenizer.size - 1) : ids_add(&b->tokens, id, err);
    }
    sqlite3_finalize(s);
    return rc ? rc : end_document(b, err);
}

static int add_trace(struct building *b, const char *path, struct err *err) {
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    if (db_open_read(&db, path, &db_trace, err)) return -1;
    size_t before = b->tokens.n;
    int rc = db_prepare(db, path, "SELECT id, prompt, first_token FROM sequence WHERE prompt IS NOT NULL AND first_token IS NOT NULL"
                                  " AND recording IN (SELECT id FROM recording WHERE tokenizer_sha256 = ?) ORDER BY id", &s, err);
    if (!rc) sqlite3_bind_text(s, 1, b->tokenizer.sha256, -1, SQLITE_STATIC);
    while (!rc && (rc = db_step(db, path, s, err)) == 1) rc = add_sequence(b, db, path, s, err);
    sqlite3_finalize(s);
    db_close(&db);
    if (!rc && b->tokens.n == before) rc = err_set(err, "trace '%s' holds no text in the tokens of '%s'", path, b->model);
    return rc;
}

static int add_all(struct building *b, struct err *err) {
    int files = b->texts.n + b->traces.n, done = 0, rc = tokenizer_open(&b->tokenizer, b->model, err);
    struct progress bar = progress_start("reading", files, 0);
    for (int i = 0; !rc && i < b->texts.n; i++) rc = add_text(b, b->texts.at[i], err), progress_step(&bar, ++done);
    for (int i = 0; !rc && i < b->traces.n; i++) rc = add_trace(b, b->traces.at[i], err), progress_step(&bar, ++done);
    progress_end(&bar);
    return rc;
}

static int build(int argc, char **argv, struct err *err) {
    struct building b = {.model = NULL};
    const struct opt options[] = {
        {"model", OPT_TEXT, &b.model, "M", "GGUF file, Hugging Face directory or tokenizer.json: whose tokens", .required = true},
        {"text", OPT_LIST, &b.texts, "FILE...", "text files, each a document"},
        {"traces", OPT_LIST, &b.traces, "T...", "traces, each recorded sequence a document"},
        {"out", OPT_TEXT, &b.out, "FILE", "the datastore", .required = true},
        {0},
    };
    const struct opt_help help = {
        "datastore build --model M [--text FILE...] [--traces T...] --out FILE",
        "Tokenizes the texts, sorts all suffixes and writes one file that the drafter rest=FILE maps.\n"
        "Twelve bytes of memory a byte of tokens (3 a token) are needed meanwhile.",
        "  banditspec datastore build --model SmolLM2.gguf --text README.md --traces run.db --out my.rest\n",
    };
    int rc = opt_parse(options, &help, argc, argv, err);
    if (rc) return rc > 0 ? 0 : rc;
    if (!b.texts.n && !b.traces.n) return err_usage(err, "nothing to build from: --text or --traces expected");
    rc = add_all(&b, err);
    if (!rc) rc = datastore_write(b.out, &b.tokens, b.tokenizer.sha256, err);
    struct datastore d = {.n = 0};
    if (!rc) rc = datastore_open(&d, b.out, err);
    if (!rc) printf("%s: %zu documents, %zu tokens, %.1f MB\n", b.out, d.documents, d.n - d.documents, (double)d.map.size / 1e6);
    datastore_close(&d);
    ids_close(&b.tokens);
    tokenizer_close(&b.tokenizer);
    return rc;
}

static int info(int argc, char **argv, struct err *err) {
    struct datastore d;
    if (argc != 2) return err_usage(err, "datastore info wants one file");
    if (datastore_open(&d, argv[1], err)) return -1;
    printf("%s: %zu documents, %zu tokens, %.1f MB, tokenizer %.12s\n", argv[1], d.documents, d.n - d.documents, (double)d.map.size / 1e6, d.tokenizer_sha256);
    datastore_close(&d);
    return 0;
}

int cmd_datastore(int argc, char **argv, struct err *err) {
    const char *word = argc > 1 ? argv[1] : "";
    if (!strcmp(word, "build")) return build(argc - 1, argv + 1, err);
    if (!strcmp(word, "info")) return info(argc - 1, argv + 1, err);
    if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
        puts("usage: banditspec datastore build --model M [--text FILE...] [--traces T...] --out FILE\n"
             "       banditspec datastore info FILE\n\n"
             "Makes what the drafter rest=FILE retrieves from: documents of token ids and their sorted\n"
             "suffixes (He et al. 2023, REST).\n\n"
             "example:\n  banditspec datastore build --model SmolLM2.gguf --text README.md --traces run.db --out my.rest\n"
             "  banditspec live --model SmolLM2.gguf --drafter rest=my.rest pld --prompt 'Hello' --compare");
        return 0;
    }
    return err_usage(err, "datastore wants build or info, got '%s'", word);
}
