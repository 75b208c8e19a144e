/* cmd_traces.c - `banditspec traces WORD`: the table of words (traces/words.h), and `check`. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "core/cmd.h"
#include "core/mem.h"
#include "core/opt.h"
#include "traces/check.h"

#define TRACES(name, summary) command traces_##name;
#include "traces/words.h"
#undef TRACES

command cmd_traces;

static const struct {
    const char *name;
    command *run;
    const char *summary;
} words[] = {
#define TRACES(name, summary) {#name, traces_##name, summary},
#include "traces/words.h"
#undef TRACES
};
enum { WORDS = sizeof words / sizeof *words };

static void usage(FILE *to) {
    fprintf(to, "usage: banditspec traces WORD [TRACE] [options]\n\n");
    for (int i = 0; i < WORDS; i++) fprintf(to, "  %-10s %s\n", words[i].name, words[i].summary);
    fprintf(to, "\nbanditspec traces WORD --help explains each, with an example.\n");
}

/* The word's options as opt_parse wants them: "traces WORD", then "--db" before a bare path. */
static int run_word(int i, int argc, char **argv, struct err *err) {
    char title[64], db[] = "--db";
    char **args = mem_alloc((size_t)argc + 2, sizeof *args, "arguments", err);
    if (!args) return -1;
    int n = 0, from = 2;
    snprintf(title, sizeof title, "traces %s", words[i].name);
    args[n++] = title;
    if (argc > 2 && argv[2][0] != '-') {
        args[n++] = db;
        args[n++] = argv[from++];
    }
    while (from < argc) args[n++] = argv[from++];
    int rc = words[i].run(n, args, err);
    mem_free(args);
    return rc;
}

int cmd_traces(int argc, char **argv, struct err *err) {
    if (argc < 2) {
        usage(stderr);
        return err_usage(err, "expected a word after 'traces'");
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        usage(stdout);
        return 0;
    }
    for (int i = 0; i < WORDS; i++)
        if (!strcmp(argv[1], words[i].name)) return run_word(i, argc, argv, err);
    return err_usage(err, "unknown word '%s' (see banditspec traces --help)", argv[1]);
}

/* -- traces check -- */

static int print_findings_json(const char *path, const struct check *c, struct err *err) {
    json_t *list = json_array();
    for (int i = 0; i < c->n; i++)
        json_array_append_new(list, json_pack("{s:i, s:s}", "invariant", c->at[i].invariant, "finding", c->at[i].text));
    json_t *all = json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:o}", "trace", path, "whole", c->n == 0, "recordings", (json_int_t)c->recordings,
                            "sequences", (json_int_t)c->sequences, "steps", (json_int_t)c->steps, "drafts", (json_int_t)c->drafts,
                            "findings", list);
    if (!all) return err_set(err, "cannot write '%s' as JSON: the path is no UTF-8", path);
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
    return 0;
}

static void print_findings(const char *path, const struct check *c) {
    for (int i = 0; i < c->n; i++) printf("invariant %d: %s\n", c->at[i].invariant, c->at[i].text);
    if (c->n == 0)
        printf("'%s' is whole: %lld recording%s, %lld sequences, %lld steps, %lld drafts\n", path, (long long)c->recordings,
               c->recordings == 1 ? "" : "s", (long long)c->sequences, (long long)c->steps, (long long)c->drafts);
}

int traces_check(int argc, char **argv, struct err *err) {
    const char *path = NULL;
    bool json = false;
    const struct opt table[] = {
        {.name = "db", .kind = OPT_TEXT, .to = &path, .arg = "TRACE", .help = "the trace to prove", .required = true},
        {.name = "json", .kind = OPT_FLAG, .to = &json, .help = "findings as one JSON object"},
        {.name = NULL},
    };
    const struct opt_help help = {
        .usage = "traces check [--db] TRACE [--json]",
        .about = "Proves invariants 1 to 9 of the trace schema: identity, keys, order of steps, one draft row a\n"
                 "drafter, bounds of lengths and times, endings, signals. Every violated one is reported with\n"
                 "its first place; the exit code is then 1.",
        .example = "  banditspec traces check run.db"};
    int rc = opt_parse(table, &help, argc, argv, err);
    if (rc) return rc == 1 ? 0 : rc;
    struct check c;
    if (check_trace(&c, path, err)) return -1;
    if (!json) print_findings(path, &c);
    else if (print_findings_json(path, &c, err)) return -1;
    return c.n == 0 ? 0 : err_set(err, "'%s' breaks %d of the checks of its schema", path, c.n);
}
