/* golden_drafters.c - pld, sam and rest against reference drafts at every position.
 *
 *   make build/tests/golden_drafters
 *   build/tests/golden_drafters ACCEPTED.json TRAJECTORIES.json [REST_DATASTORE.json]
 *
 * TRAJECTORIES holds, per question_id, prompt_ids and the greedy tokens of a model;
 * ACCEPTED what each drafter proposes after prompt_ids + tokens[:i] for every i: accepted
 * tokens of at most `cap`, the place of the match, and the rounds of a whole walk. The
 * prompts are not ours to ship, so this is no part of `make test`.
 *
 * A drafter does not tell the place it copies from. It is checked by a second draft of
 * DRAFT_MAX tokens: those must be ctx[start ..], and as many as stand there; near the end
 * of the text that count alone fixes the place. Exit 1 on any mismatch. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "core/datastore.h"
#include "core/drafter.h"
#include "core/mem.h"

struct variant {
    const char *spec;
    const char *family;   // key in ACCEPTED
    const char *name;     // pld: key in the family; sam: prefix of its keys
    const char *accepted; // sam: key of the accepted lengths
    const char *walk;     // key in rounds_to_finish, null: not given
    int hold;             // tokens at the end that are never drafted
    int alpha;            // 0: no cap
};

static const struct variant variants[] = {
    {"pld,match=first,draft=full", "pld", "first_full", NULL, "pld_first_full", 0, 0},
    {"pld,match=first,draft=clip", "pld", "first_clip", NULL, "pld_first_clip", 0, 0},
    {"pld,match=recent,draft=full", "pld", "recent_full", NULL, "pld_recent_full", 0, 0},
    {"pld,match=recent,draft=clip", "pld", "recent_clip", NULL, "pld_recent_clip", 0, 0},
    {"sam,match=first", "sam", "first_end", "first_accepted", "sam_first", 0, 0},
    {"sam,match=recent", "sam", "recent_end", "recent_accepted", "sam_recent", 0, 0},
    {"sam,match=first,alpha=4", "sam", "first_end", "first_accepted_alpha4", "sam_first_alpha4", 0, 4},
    {"sam,match=recent,alpha=4", "sam", "recent_end", "recent_accepted_alpha4", NULL, 0, 4},
    {"sam,match=first,alpha=4,newest=drop", "sam", "first_end", "first_accepted_samd", "sam_first_samd", 1, 4},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

struct tally {
    long positions, values, wrong;
};

static int at(const json_t *array, size_t i) { return (int)json_integer_value(json_array_get(array, i)); }

static void compare(struct tally *t, const struct variant *v, int question, int i, const char *what, int got, int expected) {
    t->values++;
    if (got == expected) return;
    if (t->wrong++ < 10)
        printf("%s: question %d position %d: %s is %d, expected %d\n", v->spec, question, i, what, got, expected);
}

struct text {
    int *token;      // prompt, then the model's tokens
    int prompt, all; // tokens of the prompt, of both
};

static int text_open(struct text *x, const json_t *trajectory, struct err *err) {
    const json_t *prompt = json_object_get(trajectory, "prompt_ids"), *tokens = json_object_get(trajectory, "tokens");
    x->prompt = (int)json_array_size(prompt);
    x->all = x->prompt + (int)json_array_size(tokens);
    x->token = mem_alloc((size_t)x->all, sizeof *x->token, "text", err);
    if (!x->token) return -1;
    for (int i = 0; i < x->all; i++)
        x->token[i] = i < x->prompt ? at(prompt, (size_t)i) : at(tokens, (size_t)(i - x->prompt));
    return 0;
}

/* How far the draft agrees with what follows in the text. */
static int accepted(const struct text *x, int n, const struct draft *draft) {
    int a = 0;
    while (a < draft->n && n + a < x->all && draft->token[a] == x->token[n + a]) a++;
    return a;
}

/* The draft that begins at `start` (-1: none) and may be `most` long. */
static void compare_place(struct tally *t, const struct variant *v, int question, int i, const struct text *x, int n,
                          int start, int most, const struct draft *draft) {
    int there = start < 0 ? 0 : n - v->hold - start, agree = 0;
    if (there > most) there = most;
    compare(t, v, question, i, "length of the longest draft", draft->n, there > 0 ? there : 0);
    while (agree < draft->n && start >= 0 && draft->token[agree] == x->token[start + agree]) agree++;
    compare(t, v, question, i, "agreement with the text at start", agree, draft->n);
}

static int one_position(struct tally *t, const struct variant *v, struct drafter *d, const struct text *x, int i, int cap,
                        const json_t *golden, int *out_accepted, struct err *err) {
    struct draft draft, longest;
    int n = x->prompt + i, question = (int)json_integer_value(json_object_get(golden, "question_id"));
    if (drafter_draft(d, x->token, n, cap, &draft, err) || drafter_draft(d, x->token, n, DRAFT_MAX, &longest, err)) return -1;
    const json_t *family = json_object_get(golden, v->family), *values;
    int start, most = DRAFT_MAX;
    if (v->accepted) {
        int match = at(json_object_get(family, "match_len"), (size_t)i);
        start = match ? at(json_object_get(family, v->name), (size_t)i) : -1;
        if (v->alpha && v->alpha * match < most) most = v->alpha * match;
        compare(t, v, question, i, "match", draft.match, match);
        values = json_object_get(family, v->accepted);
    } else {
        family = json_object_get(family, v->name);
        start = at(json_object_get(family, "start"), (size_t)i);
        compare(t, v, question, i, "ngram", draft.match, at(json_object_get(family, "ngram"), (size_t)i));
        compare(t, v, question, i, "draft length", draft.n, at(json_object_get(family, "draft_len"), (size_t)i));
        values = json_object_get(family, "accepted");
    }
    compare_place(t, v, question, i, x, n, start, most, &longest);
    *out_accepted = accepted(x, n, &draft);
    compare(t, v, question, i, "accepted", *out_accepted, at(values, (size_t)i));
    t->positions++;
    return 0;
}

static int one_trajectory(struct tally *t, const struct variant *v, struct drafter *d, const struct text *x, int cap,
                          const json_t *golden, struct err *err) {
    int positions = x->all - x->prompt, rounds = 0, next = 0;
    if (drafter_reset(d, x->token, x->prompt, err)) return -1;
    for (int i = 0; i < positions; i++) {
        int a;
        if (one_position(t, v, d, x, i, cap, golden, &a, err)) return -1;
        if (i == next) next += a + 1, rounds++;
        if (drafter_accept(d, x->token + x->prompt + i, 1, err)) return -1;
    }
    const json_t *walks = json_object_get(golden, "rounds_to_finish");
    if (v->walk)
        compare(t, v, (int)json_integer_value(json_object_get(golden, "question_id")), positions, "rounds to finish",
                rounds, (int)json_integer_value(json_object_get(walks, v->walk)));
    return 0;
}

static const json_t *find_trajectory(const json_t *list, json_int_t question) {
    size_t i;
    const json_t *one;
    json_array_foreach((json_t *)list, i, one)
        if (json_integer_value(json_object_get(one, "question_id")) == question) return one;
    return NULL;
}

static int one_variant(struct tally *t, const struct variant *v, const json_t *golden, const json_t *trajectories, struct err *err) {
    struct drafter d;
    if (drafter_open(&d, v->spec, err)) return -1;
    int rc = 0, cap = (int)json_integer_value(json_object_get(golden, "cap"));
    const json_t *list = json_object_get(golden, "trajectories");
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        json_int_t question = json_integer_value(json_object_get(one, "question_id"));
        const json_t *trajectory = find_trajectory(json_object_get(trajectories, "trajectories"), question);
        struct text x;
        if (!trajectory) rc = err_set(err, "no trajectory of question %lld", (long long)question);
        else if (!(rc = text_open(&x, trajectory, err))) {
            rc = one_trajectory(t, v, &d, &x, cap, one, err);
            mem_free(x.token);
        }
    }
    drafter_close(&d);
    return rc;
}

/* How far the text goes down the tree. */
static int walk_tree(const struct text *x, int n, const struct draft *tree) {
    int at = -1, a = 0;
    for (int i = 0; i < tree->n && n + a < x->all; i++)
        if (tree->parent[i] == at && tree->token[i] == x->token[n + a]) at = i, a++;
    return a;
}

static int tree_trajectory(struct tally *t, const struct variant *v, struct drafter *d, const struct text *x, int cap, const json_t *golden, struct err *err) {
    const json_t *family = json_object_get(golden, "rest");
    int question = (int)json_integer_value(json_object_get(golden, "question_id")), rounds = 0, next = 0;
    for (int i = 0; i < x->all - x->prompt; i++, t->positions++) {
        struct draft draft;
        if (drafter_draft(d, x->token, x->prompt + i, cap, &draft, err)) return -1;
        int a = walk_tree(x, x->prompt + i, &draft);
        compare(t, v, question, i, "nodes", draft.n, at(json_object_get(family, "tree64_nodes"), (size_t)i));
        compare(t, v, question, i, "accepted", a, at(json_object_get(family, "tree64_accepted"), (size_t)i));
        if (i == next) next += a + 1, rounds++;
    }
    compare(t, v, question, -1, "rounds to finish", rounds, (int)json_integer_value(json_object_get(json_object_get(golden, "rounds_to_finish"), "rest_tree64")));
    return 0;
}

/* REST's chain, its counts and the span, from a datastore of the documents' ids. */
static int rest_trajectory(struct tally *t, const struct variant *v, struct drafter *d, const struct text *x, int cap, const json_t *golden, struct err *err) {
    const json_t *family = json_object_get(golden, "rest");
    int question = (int)json_integer_value(json_object_get(golden, "question_id")), rounds = 0, next = 0;
    for (int i = 0; i < x->all - x->prompt; i++) {
        struct draft draft;
        const json_t *chain = json_array_get(json_object_get(family, "chain"), (size_t)i);
        if (drafter_draft(d, x->token, x->prompt + i, cap, &draft, err)) return -1;
        compare(t, v, question, i, "draft length", draft.n, (int)json_array_size(chain));
        for (int k = 0; k < draft.n; k++) compare(t, v, question, i, "token", draft.token[k], at(chain, (size_t)k));
        if (draft.n) compare(t, v, question, i, "span", draft.match, at(json_object_get(family, "span"), (size_t)i));
        int a = accepted(x, x->prompt + i, &draft);
        compare(t, v, question, i, "accepted", a, at(json_object_get(family, "accepted"), (size_t)i));
        if (i == next) next += a + 1, rounds++;
        t->positions++;
    }
    compare(t, v, question, -1, "rounds to finish", rounds, (int)json_integer_value(json_object_get(json_object_get(golden, "rounds_to_finish"), "rest_chain")));
    return 0;
}

static int check_rest(struct tally *t, const struct variant *v, const json_t *documents, const json_t *golden, const json_t *trajectories, struct err *err) {
    static const char none[65] = "0000000000000000000000000000000000000000000000000000000000000000";
    const json_t *list = json_object_get(documents, "documents");
    struct ids ids = {0};
    struct drafter d;
    size_t i, k;
    json_t *one, *id;
    json_array_foreach((json_t *)list, i, one) {
        json_array_foreach(json_object_get(one, "ids"), k, id)
            if (ids_add(&ids, (int)json_integer_value(id), err)) return -1;
        if (ids_add(&ids, DATASTORE_END, err)) return -1;
    }
    if (datastore_write(v->name, &ids, none, err) || drafter_open(&d, v->spec, err)) return -1;
    int rc = 0, cap = (int)json_integer_value(json_object_get(golden, "cap"));
    json_array_foreach(json_object_get(golden, "trajectories"), i, one) {
        struct text x;
        if (rc || (rc = text_open(&x, find_trajectory(json_object_get(trajectories, "trajectories"), json_integer_value(json_object_get(one, "question_id"))), err))) break;
        rc = (d.type->tree ? tree_trajectory : rest_trajectory)(t, v, &d, &x, cap, one, err);
        mem_free(x.token);
    }
    drafter_close(&d);
    ids_close(&ids);
    remove(v->name);
    return rc;
}

static json_t *load(const char *path) {
    json_error_t error;
    json_t *json = json_load_file(path, 0, &error);
    if (!json) fprintf(stderr, "cannot read '%s' line %d: %s\n", path, error.line, error.text);
    return json;
}

int main(int argc, char **argv) {
    if (argc != 3 && argc != 4) {
        fprintf(stderr, "usage: golden_drafters ACCEPTED.json TRAJECTORIES.json [REST_DATASTORE.json]\n");
        return 2;
    }
    json_t *golden = load(argv[1]), *trajectories = load(argv[2]);
    int bad = !golden || !trajectories;
    for (int i = 0; i < VARIANTS && golden && trajectories; i++) {
        struct tally t = {0};
        struct err err = {""};
        if (one_variant(&t, &variants[i], golden, trajectories, &err)) printf("%s: %s\n", variants[i].spec, err.text);
        printf("%-36s %ld positions, %ld values, %ld mismatches\n", variants[i].spec, t.positions, t.values, t.wrong);
        bad |= err.text[0] || t.wrong || t.positions == 0;
    }
    json_t *documents = argc == 4 ? load(argv[3]) : NULL;
    if (documents && !bad) {
        const char *const specs[] = {"rest=golden_drafters.rest", "resttree=golden_drafters.rest,nodes=64,depth=10"};
        for (int i = 0; i < 2; i++) {
            const struct variant rest = {.spec = specs[i], .name = "golden_drafters.rest"};
            struct tally t = {0};
            struct err err = {""};
            if (check_rest(&t, &rest, documents, golden, trajectories, &err)) printf("%s: %s\n", rest.spec, err.text);
            printf("%-36s %ld positions, %ld values, %ld mismatches\n", i ? "resttree" : "rest", t.positions, t.values, t.wrong);
            bad |= err.text[0] || t.wrong || t.positions == 0;
        }
    }
    json_decref(documents);
    json_decref(golden);
    json_decref(trajectories);
    return bad;
}
