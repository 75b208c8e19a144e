/* cmd_logits.c - `banditspec logits`: the target's largest logits at every position. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/cmd.h"
#include "core/engine.h"
#include "core/mem.h"
#include "core/opt.h"

/* "1,2,3" into ids (owned by the caller). */
static int parse_ids(const char *text, int **ids, int *n, struct err *err) {
    size_t capacity = 0;
    *ids = NULL, *n = 0;
    for (const char *c = text; *c; c++) {
        char *end;
        long id = strtol(c, &end, 10);
        if (end == c || id < 0 || id > INT32_MAX || (*end && *end != ','))
            return err_usage(err, "option '--ids' wants whole numbers with commas between, got '%s'", text);
        if (mem_grow(ids, &capacity, (size_t)*n + 1, sizeof **ids, "token ids", err)) return -1;
        (*ids)[(*n)++] = (int)id;
        if (!*end) return 0;
        c = end;
    }
    return err_usage(err, "option '--ids' is empty or ends in a comma: '%s'", text);
}

/* One position: {"pos": 0, "ids": [...], "logits": [...]}. */
static int print_row(int pos, const int *ids, const float *values, int top, struct err *err) {
    json_t *row = json_pack("{s:i, s:[], s:[]}", "pos", pos, "ids", "logits");
    for (int k = 0; row && k < top; k++) {
        json_array_append_new(json_object_get(row, "ids"), json_integer(ids[k]));
        json_array_append_new(json_object_get(row, "logits"), json_real(values[k]));
    }
    int rc = row && json_dumpf(row, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0 ? 0 : err_set(err, "cannot write JSON");
    json_decref(row);
    return rc;
}

static int print_logits(struct engine *e, const int *ids, int n, int top, struct err *err) {
    int most = engine_max_rows(e), rc = -1;
    struct row *rows = mem_alloc((size_t)most, sizeof *rows, "rows", err);
    int *best = mem_alloc((size_t)most * (size_t)top, sizeof *best, "ids", err);
    float *values = mem_alloc((size_t)most * (size_t)top, sizeof *values, "logits", err);
    if (!rows || !best || !values) goto done;
    putchar('[');
    for (int at = 0; at < n; at += most) {
        int count = n - at < most ? n - at : most;
        for (int i = 0; i < count; i++) rows[i] = (struct row){ids[at + i], 0, i - 1, true};
        if (engine_forward(e, rows, count, err)) goto done;
        engine_commit(e, 0, count);
        engine_top(e, top, best, values);
        if (engine_status(e, err)) goto done;
        for (int i = 0; i < count; i++) {
            if (at + i) printf(",\n ");
            if (print_row(at + i, best + (size_t)i * top, values + (size_t)i * top, top, err)) goto done;
        }
    }
    puts("]");
    rc = 0;
done:
    mem_free(rows), mem_free(best), mem_free(values);
    return rc;
}

int cmd_logits(int argc, char **argv, struct err *err) {
    const char *path = NULL, *text = NULL, *quantize = NULL, *backend = "cpu";
    int top = 8, threads = 0;
    const struct opt options[] = {
        {"model", OPT_TEXT, &path, "FILE", "the target: a GGUF file or a Hugging Face directory", .required = true},
        {"quantize", OPT_TEXT, &quantize, "TYPE", "q8_0 or q4_0: float matrices become that when loaded"},
        {"ids", OPT_TEXT, &text, "1,2,3", "token ids of one sequence", .required = true},
        {"top", OPT_INT, &top, "K", "logits a position", 1, 1000},
        {"backend", OPT_TEXT, &backend, "NAME", "where to compute"},
        {"threads", OPT_INT, &threads, "N", "CPU threads, 0 for all cores", 0, 1024},
        {0},
    };
    const struct opt_help help = {
        "logits --model M --ids 1,2,3 [--top K]",
        "Runs the target over the ids and prints JSON: for every position the K largest logits\nof the next token, largest first.",
        "  banditspec logits --model SmolLM2.gguf --ids 1,9690,198 --top 3\n",
    };
    int rc = opt_parse(options, &help, argc, argv, err);
    if (rc) return rc > 0 ? 0 : rc;
    int *ids = NULL, n = 0;
    struct model m = {.layers = 0};
    struct engine *e = NULL;
    rc = parse_ids(text, &ids, &n, err);
    if (!rc) rc = model_open(&m, path, quantize, err);
    if (!rc && top > m.vocab) top = m.vocab;
    if (!rc) rc = engine_open(&e, &m, &(struct engine_options){.backend = backend, .threads = threads}, err);
    if (!rc) rc = print_logits(e, ids, n, top, err);
    engine_close(e);
    model_close(&m);
    mem_free(ids);
    return rc;
}
