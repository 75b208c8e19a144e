/* selftest.c - see selftest.h. */
#include "sim/selftest.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cmd.h"
#include "core/engine.h"
#include "core/mem.h"
#include "core/reader.h"

command cmd_record, cmd_live;

/* BF16 with biases, pairs (j, j + 8); Q4_0 with an F16 matrix, pairs (2j, 2j + 1) and scaled frequencies. */
#define BUILT_IN(name, file)                                                                                  \
    extern const char name[], name##_end[];                                                                   \
    __asm__(".section .rodata\n.global " #name "\n.global " #name "_end\n.balign 64\n" #name ":\n.incbin \"" file "\"\n" #name "_end:\n.byte 0\n.previous\n")
BUILT_IN(golden_bf16, "tests/golden/tiny/d-bf16.gguf");
BUILT_IN(golden_text, "tests/golden/tiny/d.json");
BUILT_IN(golden_q4_0, "tests/golden/tiny/a-q4_0.gguf");

enum { TOKENS = 60, MOST = 64, VOCAB_MOST = 512 };

static const char prompts[] = "{\"prompt_ids\": [5, 7, 9, 11, 5, 7, 9, 11, 5, 7]}\n{\"prompt_ids\": [300, 1, 17, 40, 41, 40, 41, 40]}\n{\"prompt_ids\": [61, 62, 63, 61, 62]}\n";

static int write_file(const struct model_test *t, const char *name, const char *from, size_t n, struct err *err) {
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", t->dir, name);
    FILE *f = fopen(path, "wb");
    bool good = f && fwrite(from, 1, n, f) == n;
    if (f && fclose(f)) good = false;
    return good ? 0 : err_set(err, "cannot write '%s': %s", path, strerror(errno));
}

int model_test_open(struct model_test *t, struct err *err) {
    const char *base = getenv("TMPDIR");
    snprintf(t->dir, sizeof t->dir, "%s/banditspec-selftest-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(t->dir)) {
        t->dir[0] = 0;
        return err_set(err, "cannot make a directory under '%s': %s", base && *base ? base : "/tmp", strerror(errno));
    }
    if (write_file(t, "bf16.gguf", golden_bf16, (size_t)(golden_bf16_end - golden_bf16), err)
        || write_file(t, "q4_0.gguf", golden_q4_0, (size_t)(golden_q4_0_end - golden_q4_0), err) || write_file(t, "prompts.jsonl", prompts, sizeof prompts - 1, err)) return -1;
    return 0;
}

void model_test_close(struct model_test *t) {
    static const char *const names[] = {"bf16.gguf", "q4_0.gguf", "prompts.jsonl", "run.db", "run.db-wal", "run.db-shm", "plain", "drafted"};
    char path[4200];
    for (size_t i = 0; *t->dir && i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", t->dir, names[i]);
        remove(path);
    }
    if (*t->dir) rmdir(t->dir);
    t->dir[0] = 0;
}

/* -- engines -- */

struct subject {
    struct model m;
    struct engine *e;
};

static int open_subject(struct subject *s, const struct model_test *t, const char *backend, const char *file, int slots, struct err *err) {
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", t->dir, file);
    memset(s, 0, sizeof *s);
    if (model_open(&s->m, path, NULL, err)) return -1;
    return engine_open(&s->e, &s->m, &(struct engine_options){.backend = backend, .device = t->device, .threads = t->threads, .slots = slots, .max_context = 256}, err);
}

static void close_subject(struct subject *s) {
    engine_close(s->e);
    model_close(&s->m);
}

static int read_ids(const json_t *root, const char *key, int *out, int most) {
    const json_t *list = json_object_get(root, key);
    int n = (int)json_array_size(list);
    for (int i = 0; i < n && i < most; i++) out[i] = (int)json_integer_value(json_array_get(list, (size_t)i));
    return n < most ? n : most;
}

static int greedy_text(struct model_test *t, struct err *err) {
    struct subject s;
    int prompt[MOST], want[MOST], id = 0, rc = open_subject(&s, t, t->backend, "bf16.gguf", 1, err);
    json_t *root = json_loadb(golden_text, (size_t)(golden_text_end - golden_text), 0, NULL);
    int n = read_ids(root, "prompt", prompt, MOST), text = read_ids(root, "greedy", want, MOST);
    float value;
    json_decref(root);
    if (!rc) rc = engine_prefill(s.e, 0, prompt, n, NULL, err);
    for (int i = 0; !rc && i < text; i++) {
        engine_top(s.e, 1, &id, &value);
        if ((rc = engine_status(s.e, err))) break;
        if (id != want[i]) rc = err_set(err, "token %d is %d, expected %d as transformers has it", i, id, want[i]);
        if (!rc) rc = engine_forward(s.e, &(struct row){id, 0, -1, true}, 1, err);
        engine_commit(s.e, 0, 1);
    }
    close_subject(&s);
    return rc;
}

static void chain(struct row *rows, int n) {
    for (int i = 0; i < n; i++) rows[i] = (struct row){(i * 37 + 5) % 300, 0, i - 1, true, NULL};
}

static int quantized_logits(struct model_test *t, struct err *err) {
    struct subject s[2];
    struct row rows[TOKENS];
    float *x[2] = {mem_alloc(TOKENS * VOCAB_MOST, sizeof **x, "logits", err), mem_alloc(TOKENS * VOCAB_MOST, sizeof **x, "logits", err)};
    double off = 0, size = 0;
    int rc = x[0] && x[1] ? 0 : -1, done = 0;
    chain(rows, TOKENS);
    for (; !rc && done < 2; done++) {
        rc = open_subject(&s[done], t, done ? "cpu" : t->backend, "q4_0.gguf", 1, err);
        if (!rc && !(rc = engine_forward(s[done].e, rows, TOKENS, err))) engine_logits(s[done].e, x[done]), rc = engine_status(s[done].e, err);
    }
    for (int i = 0; !rc && i < TOKENS * s[0].m.vocab; i++) off += pow(x[0][i] - x[1][i], 2), size += pow(x[1][i], 2);
    // int8 activations near half a step fall either way, and a cache of halves moves some there
    if (!rc && !(sqrt(off / size) < 5e-2)) rc = err_set(err, "logits differ from the CPU's by %.1e of their size, expected less than 5e-2", sqrt(off / size));
    for (int i = 0; i < done; i++) close_subject(&s[i]);
    mem_free(x[0]), mem_free(x[1]);
    return rc;
}

/* -- the laws -- */

/* Passes of every width of a verification, and of all rows with a stranger's between them, give the bits that single rows give. */
static int company(struct model_test *t, const char *file, struct err *err) {
    struct subject s;
    struct row all[TOKENS], rows[2 * TOKENS];
    int rc = open_subject(&s, t, t->backend, file, 2, err);
    float *want = mem_alloc(TOKENS * VOCAB_MOST, sizeof *want, "logits", err), *got = mem_alloc(TOKENS * VOCAB_MOST, sizeof *got, "logits", err);
    if (!want || !got) rc = -1;
    chain(all, TOKENS);
    const size_t vocab = (size_t)(rc ? 0 : s.m.vocab);
    for (int width = 1; !rc && width <= 20; width++) { // 18: 32 rows; 19, 20: the same widths again with rows of another slot among them
        const int step = width <= 17 ? width : width == 18 ? 32 : width - 14;
        engine_rewind(s.e, 0, 0), engine_rewind(s.e, 1, 0);
        for (int at = 0; !rc && at < TOKENS; at += step) {
            const int n = TOKENS - at < step ? TOKENS - at : step, others = width > 18 ? n : 0;
            for (int i = 0; i < n; i++) {
                rows[i + (others ? i : 0)] = all[at + i], rows[i + (others ? i : 0)].parent = i ? (others ? 2 * (i - 1) : i - 1) : -1;
                if (others) rows[2 * i + 1] = (struct row){(at * 7 + i) % 300, 1, i ? 2 * i - 1 : -1, false, NULL};
            }
            if ((rc = engine_forward(s.e, rows, n + others, err))) break;
            engine_logits(s.e, width == 1 ? want + (size_t)at * vocab : got);
            if ((rc = engine_status(s.e, err))) break;
            for (int i = 0; width > 1 && !rc && i < n; i++)
                if (memcmp(got + (size_t)i * vocab, want + (size_t)(at + i) * vocab, vocab * sizeof *got))
                    rc = err_set(err, "row %d of a pass of %d rows has other bits than alone (%s)", i, n + others, file);
            engine_commit(s.e, 0, n);
            if (others) engine_commit(s.e, 1, n);
        }
    }
    close_subject(&s);
    mem_free(want), mem_free(got);
    return rc;
}

static int law_2(struct model_test *t, struct err *err) { return company(t, "bf16.gguf", err) || company(t, "q4_0.gguf", err) ? -1 : 0; }

/* A command with its standard output in a file, or nowhere, and without its messages. */
static int run_command(command *run, const char *to, char **argv, struct err *err) {
    int argc = 0;
    while (argv[argc]) argc++;
    fflush(stdout), fflush(stderr);
    int saved = dup(STDOUT_FILENO), messages = dup(STDERR_FILENO), file = open(to ? to : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0600), none = open("/dev/null", O_WRONLY);
    if (saved < 0 || messages < 0 || file < 0 || none < 0) return err_set(err, "cannot redirect standard output: %s", strerror(errno));
    dup2(file, STDOUT_FILENO), dup2(none, STDERR_FILENO), close(file), close(none);
    int rc = run(argc, argv, err);
    fflush(stdout), fflush(stderr);
    dup2(saved, STDOUT_FILENO), dup2(messages, STDERR_FILENO), close(saved), close(messages);
    return rc;
}

struct words {
    char model[4200], prompts[4200], db[4200], threads[16], *argv[48];
};

static void say(struct words *w, const struct model_test *t, const char *name, const char *const *more) {
    snprintf(w->model, sizeof w->model, "%s/q4_0.gguf", t->dir);
    snprintf(w->prompts, sizeof w->prompts, "%s/prompts.jsonl", t->dir);
    snprintf(w->threads, sizeof w->threads, "%d", t->threads);
    const char *const usual[] = {name, "--model", w->model, "--drafter", "pld", "sam", "--backend", t->backend, "--device", t->device ? t->device : "", "--threads", w->threads,
                                 "--prompts", w->prompts, "--template", "plain", "--max-new", "24"};
    int n = 0;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) w->argv[n++] = (char *)usual[i];
    for (; *more; more++) w->argv[n++] = (char *)*more;
    w->argv[n] = NULL;
}
#define SAY(w, t, name, ...) say(w, t, name, (const char *const[]){__VA_ARGS__, NULL})

static int same_files(const char *a, const char *b, struct err *err) {
    FILE *x = fopen(a, "rb"), *y = fopen(b, "rb");
    long at = 0;
    int c = 0, d = 0;
    while (x && y && (c = getc(x)) == (d = getc(y)) && c != EOF) at++;
    const bool same = x && y && c == d && at > 20;
    if (x) fclose(x);
    if (y) fclose(y);
    return same ? 0 : err_set(err, "the text under a policy leaves the target's own at byte %ld", at);
}

static int law_1(struct model_test *t, struct err *err) {
    struct words w;
    char plain[4200], drafted[4200];
    snprintf(plain, sizeof plain, "%s/plain", t->dir), snprintf(drafted, sizeof drafted, "%s/drafted", t->dir);
    SAY(&w, t, "live", "--policy", "none", "--ids");
    if (run_command(cmd_live, plain, w.argv, err)) return -1;
    SAY(&w, t, "live", "--policy", "ucbspec", "--ids", "--arms", "plain", "pld:2,6", "sam:4");
    return run_command(cmd_live, drafted, w.argv, err) || same_files(plain, drafted, err) ? -1 : 0;
}

static int law_3(struct model_test *t, struct err *err) {
    struct words w;
    snprintf(w.db, sizeof w.db, "%s/run.db", t->dir);
    remove(w.db);
    SAY(&w, t, "record", "--max-draft", "6", "--db", w.db);
    if (run_command(cmd_record, NULL, w.argv, err)) return -1;
    static const char *const policies[] = {"ucbspec", "exp3spec"};
    for (int i = 0; i < 2; i++) {
        SAY(&w, t, "live", "--policy", policies[i], "--seed", "7", "--check", w.db, "--arms", "plain", "pld:2,6", "sam:4");
        if (run_command(cmd_live, NULL, w.argv, err)) return -1;
    }
    return 0;
}

const struct model_test_item model_test_items[] = {
    {"a BF16 model's greedy text is that of transformers", greedy_text},
    {"a Q4_0 model's logits are the CPU's", quantized_logits},
    {"law 1: a text under a policy is the target's own", law_1},
    {"law 2: a row's bits do not depend on its company", law_2},
    {"law 3: replay equals live, round for round", law_3},
    {NULL, NULL},
};
