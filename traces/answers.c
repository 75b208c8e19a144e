/* answers.c - see answers.h. */
#include "traces/answers.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/progress.h"
#include "core/rng.h"
#include "traces/store.h"

enum { LONGEST = 64, ROUNDS = 1 << 20 }; // an arm's longest draft; rounds of one answer

static int least(int a, int b) { return a < b ? a : b; }

/* -- one line -- */

struct place {
    const char *path;
    size_t line;
    struct err *err;
};

#define broken(at, format, ...) err_set((at)->err, "answer in line %zu of '%s' " format, (at)->line, (at)->path __VA_OPT__(,) __VA_ARGS__)

static char *label(const struct place *at, const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    char number[32] = "";
    if (json_is_string(value)) return mem_text(json_string_value(value), json_string_length(value), at->err);
    if (json_is_integer(value)) snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return mem_text(number, strlen(number), at->err);
}

/* Sum of a number or of a list of numbers; 0 where there is none. */
static int total(const struct place *at, const json_t *object, const char *key, double *sum) {
    const json_t *value = json_object_get(object, key);
    size_t i, n = json_is_array(value) ? json_array_size(value) : value && !json_is_null(value);
    *sum = 0;
    for (i = 0; i < n; i++) {
        const json_t *x = json_is_array(value) ? json_array_get(value, i) : value;
        if (!json_is_number(x) || !(json_number_value(x) >= 0 && json_number_value(x) < 1e12)) return broken(at, "has a '%s' that is no number from 0", key);
        *sum += json_number_value(x);
    }
    return 0;
}

/* What one file logs, to be told apart when it is read: sums over all its lines. */
struct tally {
    double logged, rounds, new_tokens;
    int least;
};

static int parse_lengths(const struct place *at, const json_t *list, struct answer_question *q, struct tally *t) {
    size_t i, n = json_array_size(list);
    json_t *x;
    if (!json_is_array(list)) return broken(at, "has no list 'accept_lengths'");
    if (n > ROUNDS) return broken(at, "has %zu rounds, at most %d are read", n, ROUNDS);
    if (!(q->accepted = mem_alloc(n ? n : 1, sizeof *q->accepted, "accepted lengths", at->err))) return -1;
    json_array_foreach(list, i, x) {
        double value = json_number_value(x);
        if (!json_is_number(x) || value != floor(value) || value < 0 || value > LONGEST + 1)
            return broken(at, "has something else than a whole number from 0 to %d as accept length %zu", LONGEST + 1, i);
        q->accepted[q->rounds++] = (int)value;
        t->logged += value;
        if ((int)value < t->least) t->least = (int)value;
    }
    t->rounds += (double)n;
    return 0;
}

/* Plain decoding emits a token a round; EAGLE's scripts log no accept_lengths of it. */
static int parse_plain(const struct place *at, const json_t *list, double tokens, struct answer_question *q) {
    if (tokens == 0) tokens = (double)json_array_size(list);
    if (tokens == 0 && !json_is_array(list)) return broken(at, "has neither 'new_tokens' nor a list 'accept_lengths'");
    if (tokens > ROUNDS) return broken(at, "has %.0f tokens, at most %d are read", tokens, ROUNDS);
    q->rounds = (int)tokens;
    return 0;
}

static int parse_line(const struct place *at, const char *text, size_t size, struct answers *a, struct answer_question *q, struct tally *t) {
    json_error_t why;
    json_t *object = json_loadb(text, size, 0, &why);
    if (!json_is_object(object)) {
        json_decref(object);
        return broken(at, "is no JSON object%s%s", object ? "" : ": ", object ? "" : why.text);
    }
    const json_t *choice = json_array_get(json_object_get(object, "choices"), 0), *from = choice ? choice : object;
    double tokens = 0;
    int rc = (q->id = label(at, object, "question_id")) && (q->category = label(at, object, "category")) ? 0 : -1;
    if (!rc && !*q->id) rc = broken(at, "has no 'question_id'");
    if (!rc && !a->model && !(a->model = label(at, object, "model_id"))) rc = -1;
    if (!rc) rc = total(at, from, "wall_time", &q->seconds);
    if (!rc) rc = total(at, from, "new_tokens", &tokens);
    const json_t *list = json_object_get(from, "accept_lengths");
    if (!rc) rc = a->lengths == LENGTHS_PLAIN ? parse_plain(at, list, tokens, q) : parse_lengths(at, list, q, t);
    t->new_tokens += tokens;
    json_decref(object);
    return rc;
}

/* -- one file -- */

static enum answer_lengths tell(const struct tally *t) {
    if (t->least == 0) return LENGTHS_ACCEPTED;
    if (t->new_tokens == 0) return LENGTHS_EMITTED;
    return fabs(t->logged - t->new_tokens) <= fabs(t->logged + t->rounds - t->new_tokens) ? LENGTHS_EMITTED : LENGTHS_ACCEPTED;
}

static int by_question(const void *x, const void *y) {
    const struct answer_question *a = x, *b = y;
    int order = strcmp(a->id, b->id);
    return order ? order : (a->line > b->line) - (a->line < b->line);
}

static int by_line(const void *x, const void *y) {
    const struct answer_question *a = x, *b = y;
    return (a->line > b->line) - (a->line < b->line);
}

static void question_free(struct answer_question *q) { mem_free(q->id), mem_free(q->category), mem_free(q->accepted); }

/* Scripts append, so a question that was answered again is there twice: the last answer counts, as in their own reorg_answer_file. */
static void keep_last(struct answers *a) {
    int n = 0;
    qsort(a->at, (size_t)a->n, sizeof *a->at, by_question);
    for (int i = 0; i < a->n; i++) {
        if (i + 1 == a->n || strcmp(a->at[i].id, a->at[i + 1].id)) a->at[n++] = a->at[i];
        else question_free(&a->at[i]);
    }
    a->replaced = a->n - n, a->n = n;
    qsort(a->at, (size_t)n, sizeof *a->at, by_line);
}

/* From what was logged to accepted lengths, once the whole file is known. */
static int settle(struct answers *a, const struct tally *t, struct err *err) {
    if (a->lengths == LENGTHS_PLAIN) return 0;
    if (a->lengths == LENGTHS_AUTO) a->lengths = tell(t);
    a->L = 1;
    for (int i = 0; i < a->n; i++)
        for (int k = 0; k < a->at[i].rounds; k++) {
            int *x = &a->at[i].accepted[k];
            if (a->lengths == LENGTHS_EMITTED && --*x < 0)
                return err_set(err, "answer in line %zu of '%s' has an accept length of 0, which no round emits (--lengths accepted?)", a->at[i].line, a->path);
            if (*x > LONGEST) return err_set(err, "answer in line %zu of '%s' has an accepted length of %d, at most %d are read", a->at[i].line, a->path, *x, LONGEST);
            if (*x > a->L) a->L = *x;
        }
    return 0;
}

static int read_lines(struct answers *a, FILE *f, struct tally *t, struct err *err) {
    struct place at = {.path = a->path, .err = err};
    char *line = NULL;
    size_t room = 0, capacity = 0;
    ssize_t n;
    int rc = 0;
    while (!rc && (n = getline(&line, &room, f)) > 0) {
        at.line++;
        if (strspn(line, " \t\r\n") == (size_t)n) continue;
        if ((rc = mem_grow(&a->at, &capacity, (size_t)a->n + 1, sizeof *a->at, "answers", err))) break;
        a->at[a->n].line = at.line;
        rc = parse_line(&at, line, (size_t)n, a, &a->at[a->n++], t);
    }
    free(line);
    if (!rc && ferror(f)) rc = err_set(err, "cannot read answers '%s': %s", a->path, strerror(errno));
    if (!rc && !a->n) rc = err_set(err, "'%s' holds no answer", a->path);
    return rc;
}

int answers_read(struct answers *a, const char *path, FILE *f, enum answer_lengths lengths, struct err *err) {
    struct tally t = {.least = LONGEST};
    a->path = path, a->lengths = lengths;
    int rc = read_lines(a, f, &t, err);
    if (!rc) rc = settle(a, &t, err);
    if (!rc) keep_last(a);
    if (rc) answers_close(a);
    return rc;
}

int answers_open(struct answers *a, const char *word, enum answer_lengths lengths, struct err *err) {
    const char *sign = strchr(word, '@'), *slash = strrchr(word, '/');
    bool named = sign && sign > word && (size_t)(sign - word) < sizeof a->name && !memchr(word, '/', (size_t)(sign - word));
    *a = (struct answers){.path = named ? sign + 1 : word};
    if (named) memcpy(a->name, word, (size_t)(sign - word));
    else {
        snprintf(a->name, sizeof a->name, "%.31s", slash ? slash + 1 : word);
        a->name[strcspn(a->name, ".")] = 0;
    }
    FILE *f = fopen(a->path, "rb");
    if (!f) return err_set(err, "cannot open answers '%s': %s", a->path, strerror(errno));
    int rc = answers_read(a, a->path, f, lengths, err);
    fclose(f);
    return rc;
}

void answers_close(struct answers *a) {
    for (int i = 0; i < a->n; i++) question_free(&a->at[i]);
    mem_free(a->at), mem_free(a->model);
    *a = (struct answers){0};
}

/* -- the trace -- */

static const struct answer_question *find(const struct answers *a, const char *id) {
    for (int i = 0; i < a->n; i++)
        if (!strcmp(a->at[i].id, id)) return a->at[i].rounds ? &a->at[i] : NULL;
    return NULL;
}

static int count_tokens(const struct answer_question *q) {
    int n = 1; // prefill's
    for (int k = 0; k < q->rounds; k++) n += q->accepted[k] + 1;
    return n;
}

struct importer {
    const struct answers *files, *plain;
    int D;
    uint64_t seed;
    struct store s;
    int max_new, width;         // widest draft
    const struct answer_question *q[64]; // of the question at hand, by drafter
    double round_s[64], verify_s;
    int *accepted;              // (D, max_new) by position
    struct answers_import *done;
};

/* Times of a round by method; the fastest is verification. */
static void take_times(struct importer *m, const char *id) {
    const struct answer_question *plain = m->plain ? find(m->plain, id) : NULL;
    m->verify_s = plain && plain->seconds > 0 ? plain->seconds / plain->rounds : 0;
    for (int d = 0; d < m->D; d++) {
        m->round_s[d] = m->q[d]->seconds / m->q[d]->rounds;
        if (m->round_s[d] > 0 && (m->verify_s == 0 || m->round_s[d] < m->verify_s)) m->verify_s = m->round_s[d];
    }
    if (m->verify_s > 0) m->done->timed = true;
    else m->verify_s = 1e-3;
}

/* A of every position: as logged where a round began, else one of the question's lengths, each as likely as it was often. */
static void take_lengths(struct importer *m, int q, int tokens) {
    for (int d = 0; d < m->D; d++) {
        const struct answer_question *x = m->q[d];
        int *to = m->accepted + (size_t)d * (size_t)m->max_new;
        for (int pos = 1; pos < tokens; pos++) {
            struct rng r = rng_at(m->seed, rng_stream("answers") + (uint32_t)d, (uint32_t)q, (uint32_t)pos);
            to[pos] = x->accepted[rng_below(&r, x->rounds)];
        }
        for (int k = 0, pos = 1; k < x->rounds && pos < tokens; pos += x->accepted[k++] + 1) to[pos] = x->accepted[k];
    }
}

static int put_position(struct importer *m, int pos, int tokens, struct err *err) {
    struct store_step step = {.pos = pos, .verify_width = 1 + pos % (m->width + 1), .verify_ns = (int64_t)(m->verify_s * 1e9) + 1};
    int rc = store_step(&m->s, &step, err);
    for (int d = 0; !rc && d < m->D; d++) {
        struct store_draft draft = {.proposed = least(m->files[d].L, m->max_new - pos - 1)};
        double spent = (m->round_s[d] > m->verify_s ? m->round_s[d] - m->verify_s : 0) * draft.proposed / m->files[d].L;
        draft.accepted = least(least(m->accepted[(size_t)d * (size_t)m->max_new + (size_t)pos], draft.proposed), tokens - pos);
        draft.draft_ns = (int64_t)(spent * 1e9);
        rc = store_draft(&m->s, d, &draft, err);
    }
    return rc;
}

static int put_question(struct importer *m, int ordinal, const struct answer_question *first, struct err *err) {
    char key[17], again[96];
    int tokens = count_tokens(first);
    snprintf(again, sizeof again, "%.80s again", first->id);
    snprintf(key, sizeof key, "%08x%08x", rng_stream(first->id), rng_stream(again));
    take_times(m, first->id);
    int rc = store_has(&m->s, ordinal, key, err);
    if (rc) return rc < 0 ? -1 : 0;
    struct store_sequence head = {.ordinal = ordinal, .prompt_key = key, .category = first->category, .question = first->id,
                                  .tokens = tokens, .eos = tokens < m->max_new};
    take_lengths(m, ordinal, tokens);
    if (store_begin(&m->s, &head, err)) return -1;
    for (int pos = 1; !rc && pos < tokens; pos++) rc = put_position(m, pos, tokens, err);
    if (!rc) rc = store_commit(&m->s, err);
    if (rc) store_rollback(&m->s);
    return rc;
}

static int open_store(struct importer *m, const char *path, bool add, struct err *err) {
    struct store_drafter drafters[64];
    char target[340];
    json_t *list = json_array();
    for (int d = 0; d < m->D; d++) {
        drafters[d] = (struct store_drafter){m->files[d].name, "imported", "", "", m->files[d].L};
        json_array_append_new(list, json_string(m->files[d].lengths == LENGTHS_EMITTED ? "emitted" : "accepted"));
        m->width = m->files[d].L > m->width ? m->files[d].L : m->width;
    }
    json_t *options = json_pack("{s:b, s:o, s:I}", "approximate", 1, "lengths", list, "seed", (json_int_t)m->seed);
    char *text = options ? json_dumps(options, JSON_COMPACT) : NULL;
    // Reports and pictures print the target and little else of a recording, so it says what this is.
    snprintf(target, sizeof target, "approximation of %.280s", m->files[0].model && *m->files[0].model ? m->files[0].model : "unknown");
    struct store_recording r = {.target = target, .target_sha256 = "imported", .tokenizer_sha256 = "imported", .backend = "imported", .device = "unknown",
                                .dtype = "unknown", .template = "unknown", .engine_version = VERSION, .options = text ? text : "{}", .threads = 1,
                                .max_new = m->max_new, .max_draft = m->width, .noise_seed = (int64_t)m->seed, .alone = !add};
    int rc = store_open(&m->s, path, &r, drafters, m->D, false, false, err);
    free(text);
    json_decref(options);
    return rc;
}

/* The question in every file, or false: a file lacks it, or logged no round of it. */
static bool take_question(struct importer *m, const struct answer_question *first) {
    for (int d = 0; d < m->D; d++)
        if (!(m->q[d] = d ? find(&m->files[d], first->id) : first->rounds ? first : NULL)) return false;
    return true;
}

int answers_write(const struct answers *files, int D, const struct answers *plain, const char *path, uint64_t seed, bool add, struct answers_import *done, struct err *err) {
    struct importer m = {.files = files, .plain = plain, .D = D, .seed = seed, .done = done};
    *done = (struct answers_import){0};
    for (int i = 0; i < files[0].n; i++) {
        if (!take_question(&m, &files[0].at[i])) continue;
        int tokens = count_tokens(&files[0].at[i]);
        if (tokens > m.max_new) m.max_new = tokens;
    }
    if (!m.max_new) return err_set(err, "'%s' has no question with rounds that all files answer", files[0].path);
    if (open_store(&m, path, add, err)) return -1;
    int rc = (m.accepted = mem_alloc((size_t)D * (size_t)m.max_new, sizeof *m.accepted, "accepted lengths", err)) ? 0 : -1;
    struct progress bar = progress_start("importing", files[0].n, 0);
    for (int i = 0; !rc && i < files[0].n; i++) {
        const struct answer_question *first = &files[0].at[i];
        if (take_question(&m, first)) {
            rc = put_question(&m, done->sequences++, first, err);
            done->tokens += count_tokens(first);
        } else done->skipped++;
        progress_step(&bar, i + 1);
    }
    progress_end(&bar);
    mem_free(m.accepted);
    store_close(&m.s);
    return rc;
}
