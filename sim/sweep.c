/* sweep.c - see sweep.h. */
#include "sim/sweep.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buffer.h"
#include "core/clock.h"
#include "core/map.h"
#include "core/mem.h"
#include "core/progress.h"
#include "sim/code.h"
#include "sim/episode.h"
#include "sim/own.h"
#include "sim/runs.h"
#include "sim/timing.h"

/* -- settings -- */

/* Everything that seconds are made of, beside the counts that the trace's own hash covers. */
static int hash_seconds(const struct trace *t, const struct cost *c, char hex[KEY_HEX], struct err *err) {
    struct key k;
    key_begin(&k);
    key_bytes(&k, c->base, sizeof c->base);
    key_bytes(&k, c->slope, sizeof c->slope);
    key_bytes(&k, c->spared, sizeof c->spared);
    for (int d = 0; d < c->D; d++) {
        const struct cost_draft *x = &c->draft[d];
        const double at[] = {x->none, x->none_context, x->a, x->b, x->c, x->keeps};
        key_bytes(&k, at, sizeof at);
        key_bytes(&k, x->catch_up, sizeof x->catch_up);
        key_bytes(&k, x->spared, sizeof x->spared);
    }
    if (c->luck) key_bytes(&k, c->luck, t->cells * (size_t)(t->D + 1) * sizeof *c->luck);
    for (int q = 0; q < t->Q; q++) key_bytes(&k, &t->sequences[q].prompt_tokens, sizeof t->sequences[q].prompt_tokens);
    return key_hex(&k, hex, err);
}

/* What confidences, matches and margins come from: who recorded what, on what. They themselves are read only where some policy or rule sees
 * them, and a key must not depend on what else is played. */
static void hash_source(struct key *k, const struct trace *t) {
    const char *const texts[] = {t->target_sha256, t->tokenizer_sha256, t->backend, t->device, t->dtype, t->template, t->options};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) key_text(k, texts[i] ? texts[i] : "");
    key_bytes(k, &t->temperature, sizeof t->temperature);
    key_bytes(k, &t->noise_seed, sizeof t->noise_seed);
}

/* A plug-in that was built anew is another policy under the same name. */
static int hash_plugins(struct key *k, const struct sweep_options *o, struct err *err) {
    for (int i = 0; i < o->plugins_n; i++) {
        struct file_map m;
        if (file_map_open(&m, o->plugins[i], err)) return ERR_FAILED;
        key_bytes(k, m.bytes, m.size);
        file_map_close(&m);
    }
    return 0;
}

static int hash_setting(struct sweep_setting *s, const struct sweep_options *o, struct err *err) {
    const struct trace *t = s->replay.plan.trace;
    struct key k;
    if (hash_seconds(t, s->replay.plan.cost, s->seconds, err)) return ERR_FAILED;
    key_begin(&k);
    key_text(&k, t->sha256);
    hash_source(&k, t);
    for (int i = 0; i < s->arms.K; i++) key_text(&k, s->arms.at[i].name);
    key_text(&k, s->replay.plan.stream ? "stream" : "prompt");
    key_text(&k, timing_word(s->replay.plan.cost));
    key_text(&k, s->seconds);
    key_text(&k, code_version);
    int rc = hash_plugins(&k, o, err), ended = key_hex(&k, s->key, err); // the latter frees it, whatever happened
    return rc ? rc : ended;
}

/* Of the policy that a spec begins with; empty: it has no file here (a plug-in, an oracle). */
static const char *code_of(const char *spec) {
    const size_t n = strcspn(spec, ":");
    for (const struct policy_code *x = policy_codes; x->name; x++)
        if (strlen(x->name) == n && !strncmp(x->name, spec, n)) return x->code;
    return "";
}

int sweep_key(const char *setting, const char *spec, uint64_t seed, char hex[KEY_HEX], struct err *err) {
    char number[24];
    struct key k;
    snprintf(number, sizeof number, "%llu", (unsigned long long)seed);
    key_begin(&k);
    key_text(&k, setting);
    key_text(&k, spec);
    key_text(&k, number);
    key_text(&k, code_of(spec));
    return key_hex(&k, hex, err);
}

static int setting_open(struct sweep_setting *s, const struct sweep_options *o, struct trace *t, const struct cost *c, const char *arms, bool stream, struct err *err) {
    struct replay *r = &s->replay;
    int rc = replay_arms(&s->arms, t, arms ? &arms : NULL, arms != NULL, err);
    if (rc) return err_add(err, ", trace '%s'", t->path), rc; // of several traces, one may lack a drafter
    r->problem = replay_problem(t, &s->arms);
    if ((rc = lineup_open(&s->lineup, o->policies, o->policies_n, &r->problem, true, o->seeds, err))
        || (rc = world_trace_ready(t, s->lineup.asks, s->arms.at, s->arms.K, err))) return rc;
    r->plan = (struct replay_plan){.trace = t, .cost = c, .arms = &s->arms, .lineup = &s->lineup, .seed = o->seed, .stream = stream};
    r->Q = t->Q, r->K = s->arms.K;
    r->buckets = series_rounds(t->max_new);
    s->bytes = (size_t)r->Q * sizeof(struct sweep_outcome) + sizeof(double) + (size_t)r->buckets.n * (size_t)r->K * sizeof(int32_t);
    struct world_trace w = world_trace(t, c);
    if (!(s->own_ns = mem_alloc((size_t)s->lineup.n, sizeof *s->own_ns, "policies", err))
        || !(s->bucket_of = mem_alloc((size_t)t->max_new + 1, 1, "round buckets", err))
        || oracle_open(&r->oracle, &w, s->arms.at, r->K, err) || replay_price(r, err)) return ERR_FAILED;
    for (int round = 0, b = 0; round <= t->max_new; round++) {
        if (b + 1 < r->buckets.n && r->buckets.at[b + 1] <= round) b++;
        s->bucket_of[round] = (uint8_t)b;
    }
    return 0;
}

static void setting_close(struct sweep_setting *s) {
    oracle_close(&s->replay.oracle), priced_close(&s->replay.priced);
    lineup_close(&s->lineup);
    arms_close(&s->arms);
    mem_free(s->own_ns), mem_free(s->bucket_of);
}

static int list_runs(struct sweep *s, struct err *err) {
    for (int i = 0; i < s->settings_n; i++)
        for (int p = 0; p < s->settings[i].lineup.n; p++) s->runs_n += (size_t)s->settings[i].lineup.at[p].seeds;
    if (!(s->runs = mem_alloc(s->runs_n, sizeof *s->runs, "runs", err))) return ERR_FAILED;
    size_t n = 0;
    for (int i = 0; i < s->settings_n; i++)
        for (int p = 0; p < s->settings[i].lineup.n; p++)
            for (int k = 0; k < s->settings[i].lineup.at[p].seeds; k++, n++)
                s->runs[n] = (struct sweep_run){i, p, s->o->seed + (uint64_t)k, n % (size_t)s->o->shards != (size_t)s->o->shard - 1};
    return 0;
}

int sweep_open(struct sweep *s, const struct sweep_options *o, struct err *err) {
    *s = (struct sweep){.o = o};
    int scopes = o->prompt + o->stream, sets = o->arms_n ? o->arms_n : 1, rc = 0;
    if (!(s->traces = mem_alloc((size_t)o->traces_n, sizeof *s->traces, "traces", err)) || !(s->costs = mem_alloc((size_t)o->traces_n, sizeof *s->costs, "costs", err))
        || !(s->settings = mem_alloc((size_t)(o->traces_n * sets * scopes), sizeof *s->settings, "settings", err))) rc = ERR_FAILED;
    for (int t = 0; !rc && t < o->traces_n; t++) {
        if ((rc = trace_open(&s->traces[t], o->traces[t], o->recording, err)) || (rc = timing_open(&s->costs[t], &s->traces[t], o->timing, o->hardware, err))) break;
        int first = s->settings_n;
        for (int a = 0; !rc && a < sets; a++)
            for (int scope = 0; !rc && scope < 2; scope++)
                if (scope ? o->stream : o->prompt)
                    rc = setting_open(&s->settings[s->settings_n++], o, &s->traces[t], &s->costs[t], o->arms_n ? o->arms[a] : NULL, scope, err);
        for (int i = first; !rc && i < s->settings_n; i++) rc = hash_setting(&s->settings[i], o, err); // once all that is seen of the trace is loaded
    }
    if (!rc) rc = list_runs(s, err);
    if (rc) sweep_close(s);
    return rc;
}

void sweep_close(struct sweep *s) {
    for (int i = 0; s->settings && i < s->settings_n; i++) setting_close(&s->settings[i]);
    for (int t = 0; s->traces && t < s->o->traces_n; t++) trace_close(&s->traces[t]), cost_close(&s->costs[t]);
    mem_free(s->settings), mem_free(s->traces), mem_free(s->costs), mem_free(s->runs);
    *s = (struct sweep){0};
}

/* -- one run -- */

/* `bytes`: outcomes, draft seconds, pulls (aligned to 8; zeroed here). */
static int play_run(const struct sweep_setting *s, const struct sweep_run *x, char *bytes, struct err *err) {
    const struct replay *r = &s->replay;
    const struct player *player = &s->lineup.at[x->player];
    struct sweep_outcome *out = (struct sweep_outcome *)bytes;
    memset(bytes, 0, s->bytes);
    double *draft_s = (double *)(bytes + (size_t)r->Q * sizeof *out);
    const struct episode_pulls pulls = {s->bucket_of, (int32_t *)(draft_s + 1), r->K};
    const struct episode_watch watch = {.pulls = &pulls};
    struct episode_total *totals = mem_alloc((size_t)r->Q, sizeof *totals, "sequences", err);
    struct agent a = {0};
    int rc = totals ? player_agent(player, &r->problem, &r->oracle, &a, err) : ERR_FAILED;
    if (!rc) rc = replay_sequences(r, player, &a, x->seed, false, &watch, totals, err);
    for (int q = 0; !rc && q < r->Q; q++) {
        const struct episode_total *sum = &totals[q];
        out[q] = (struct sweep_outcome){(int32_t)sum->rounds, (int32_t)sum->proposed, (int32_t)sum->accepted, (int32_t)sum->emitted, sum->seconds};
        *draft_s += sum->draft_s;
    }
    agent_close(&a);
    mem_free(totals);
    return rc;
}

/* -- chunks -- */

struct chunk {
    const struct sweep *s;
    const size_t *todo; // indices of runs
    size_t from, n;     // of todo
    char **at;          // (n) a run's bytes
    char *bytes;        // owned
    size_t *owned;      // (ranks) bytes of each rank's part
};

static size_t run_bytes(const struct chunk *c, size_t i) {
    size_t n = c->s->settings[c->s->runs[c->todo[c->from + i]].setting].bytes;
    return (n + 7) / 8 * 8;
}

/* Places the chunk's runs: rank after rank, each with the runs i % size == rank, so that a rank's part is one piece. */
static int chunk_lay(struct chunk *c, const struct crew *crew, struct err *err) {
    size_t total = 0;
    for (int r = 0; r < crew->size; r++) {
        c->owned[r] = 0;
        for (size_t i = (size_t)r; i < c->n; i += (size_t)crew->size) c->owned[r] += run_bytes(c, i);
        total += c->owned[r];
    }
    c->bytes = mem_alloc(total, 1, "outcomes", err);
    c->at = mem_alloc(c->n, sizeof *c->at, "outcomes", err);
    if (!c->bytes || !c->at) return ERR_FAILED;
    char *at = c->bytes;
    for (int r = 0; r < crew->size; r++)
        for (size_t i = (size_t)r; i < c->n; i += (size_t)crew->size) c->at[i] = at, at += run_bytes(c, i);
    return 0;
}

/* Runs of policies that think long come first, so that no thread is left alone with one in the end. */
struct turn {
    size_t i;      // of the chunk
    double own_ns; // 0 on ranks that have not measured
};

static int by_own(const void *a, const void *b) {
    const struct turn *x = a, *y = b;
    return x->own_ns != y->own_ns ? (x->own_ns < y->own_ns) - (x->own_ns > y->own_ns) : (x->i > y->i) - (x->i < y->i);
}

static int chunk_play(struct chunk *c, const struct crew *crew, struct err *err) {
    int failed = 0;
    long mine = (long)((c->n + (size_t)crew->size - 1 - (size_t)crew->rank) / (size_t)crew->size);
    struct turn *turns = mem_alloc((size_t)mine + 1, sizeof *turns, "runs", err);
    if (!turns) return ERR_FAILED;
    for (long j = 0; j < mine; j++) {
        turns[j].i = (size_t)crew->rank + (size_t)j * (size_t)crew->size;
        const struct sweep_run *x = &c->s->runs[c->todo[c->from + turns[j].i]];
        turns[j].own_ns = c->s->settings[x->setting].own_ns[x->player];
    }
    qsort(turns, (size_t)mine, sizeof *turns, by_own);
    #pragma omp parallel for schedule(dynamic, 1)
    for (long j = 0; j < mine; j++) {
        const size_t i = turns[j].i;
        const struct sweep_run *x = &c->s->runs[c->todo[c->from + i]];
        struct err here = {""};
        int rc = play_run(&c->s->settings[x->setting], x, c->at[i], &here);
        if (!rc) continue;
        #pragma omp critical
        if (!failed) failed = rc, *err = here;
    }
    mem_free(turns);
    return failed;
}

static int chunk_gather(struct chunk *c, const struct crew *crew, struct err *err) {
    char *parts[crew->size], *at = c->bytes;
    for (int r = 0; r < crew->size; r++) parts[r] = at, at += c->owned[r];
    return crew_gather(crew, parts, c->owned, err);
}

static int chunk_write(struct chunk *c, struct runs *db, struct err *err) {
    int rc = runs_begin(db, err);
    for (size_t i = 0; !rc && i < c->n; i++) {
        const struct sweep_run *x = &c->s->runs[c->todo[c->from + i]];
        const struct sweep_setting *s = &c->s->settings[x->setting];
        char key[KEY_HEX];
        rc = sweep_key(s->key, s->lineup.at[x->player].spec, x->seed, key, err);
        if (!rc) rc = runs_add(db, s, x, key, c->at[i], err);
    }
    if (!rc) rc = runs_commit(db, err);
    if (rc) runs_rollback(db);
    return rc;
}

/* How many runs come next: about a second's worth, for a kill to cost no more, within what memory should take. */
enum { CHUNK_FIRST = 16, CHUNK_MOST = 1 << 16, CHUNK_GROWTH = 4 };
static const double chunk_bytes = 256e6, chunk_seconds = 1;

static size_t chunk_size(const struct sweep *s, const size_t *todo, size_t from, size_t left, size_t last, double a_second) {
    size_t n = a_second * chunk_seconds < CHUNK_FIRST ? CHUNK_FIRST : (size_t)(a_second * chunk_seconds), most = 0;
    double bytes = 0;
    if (n > CHUNK_GROWTH * last) n = CHUNK_GROWTH * last; // early chunks tell little of how long later ones take
    if (n > CHUNK_MOST) n = CHUNK_MOST;
    if (n > left) n = left;
    while (most < n && (bytes += (double)s->settings[s->runs[todo[from + most]].setting].bytes) < chunk_bytes) most++;
    return most ? most : 1;
}

static int play_chunks(struct sweep *s, const struct crew *crew, const size_t *todo, size_t n, struct runs *db, struct err *err) {
    struct progress bar = progress_start("sweeping", (long)(s->there + n), (long)s->there);
    double a_second = 0;
    size_t last = CHUNK_FIRST / CHUNK_GROWTH;
    int rc = 0;
    bar.shown = bar.shown && !crew->rank;
    for (size_t done = 0; !rc && done < n;) {
        size_t owned[crew->size];
        struct chunk c = {.s = s, .todo = todo, .from = done, .owned = owned};
        int64_t start = clock_ns();
        c.n = last = chunk_size(s, todo, done, n - done, last, a_second);
        crew_tell(crew, &c.n, sizeof c.n);
        rc = chunk_lay(&c, crew, err);
        if (!rc) rc = chunk_play(&c, crew, err);
        int worst = crew_worst(crew, rc);
        if (!rc && worst) rc = err_set(err, "another rank has failed");
        if (!rc) rc = chunk_gather(&c, crew, err);
        if (!rc && !crew->rank) rc = chunk_write(&c, db, err);
        worst = crew_worst(crew, rc);
        if (!rc && worst) rc = err_set(err, "another rank has failed");
        mem_free(c.bytes), mem_free(c.at);
        done += c.n;
        a_second = (double)c.n / ((double)(clock_ns() - start) / 1e9 + 1e-9);
        s->fresh = done;
        progress_step(&bar, (long)(s->there + done));
    }
    progress_end(&bar);
    return rc;
}

/* Rank 0: settings and what is there. */
static int look_up(struct sweep *s, struct runs *db, struct err *err) {
    for (int i = 0; i < s->settings_n; i++) {
        struct buffer names = {0};
        struct sweep_setting *x = &s->settings[i];
        int rc = 0;
        for (int k = 0; !rc && k < x->arms.K; k++)
            if (!(rc = k ? buffer_add(&names, " ", 1, err) : 0)) rc = buffer_add(&names, x->arms.at[k].name, strlen(x->arms.at[k].name), err);
        if (!rc) rc = buffer_add(&names, "", 1, err);
        if (!rc) rc = runs_setting(db, x, names.at, err);
        if (!rc) rc = runs_drop_stale(db, x, &s->dropped, err);
        buffer_close(&names);
        if (rc) return rc;
    }
    for (size_t i = 0; i < s->runs_n; i++) {
        struct sweep_run *x = &s->runs[i];
        char key[KEY_HEX];
        if (x->done) continue;
        int rc = sweep_key(s->settings[x->setting].key, s->settings[x->setting].lineup.at[x->player].spec, x->seed, key, err);
        if (!rc) rc = runs_has(db, key, err);
        if (rc < 0) return rc;
        if (rc == 1) x->done = true, s->there++;
    }
    return 0;
}

static int measure_own(struct sweep *s, struct err *err) {
    for (int i = 0; i < s->settings_n; i++)
        for (int p = 0; p < s->settings[i].lineup.n; p++) {
            struct sweep_setting *x = &s->settings[i];
            const struct replay *r = &x->replay;
            if (own_measure(&x->lineup.at[p], &r->problem, &r->oracle, world_trace(r->plan.trace, r->plan.cost), &x->own_ns[p], err)) return ERR_FAILED;
        }
    return 0;
}

int sweep_play(struct sweep *s, const struct crew *crew, struct err *err) {
    struct runs db = {0};
    int rc = crew->rank ? 0 : runs_open(&db, s->o->results, err);
    if (!rc && !crew->rank) rc = look_up(s, &db, err);
    if (!rc && !crew->rank) rc = measure_own(s, err);
    int worst = crew_worst(crew, rc);
    if (!rc && worst) rc = err_set(err, "another rank has failed");
    crew_tell(crew, s->runs, rc || worst ? 0 : s->runs_n * sizeof *s->runs);
    crew_tell(crew, &s->there, rc || worst ? 0 : sizeof s->there);
    size_t n = 0, *todo = rc ? NULL : mem_alloc(s->runs_n, sizeof *todo, "runs", err);
    if (!rc && !todo) rc = ERR_FAILED;
    for (size_t i = 0; !rc && i < s->runs_n; i++)
        if (!s->runs[i].done) todo[n++] = i;
    if (!rc && n) rc = play_chunks(s, crew, todo, n, &db, err);
    mem_free(todo);
    runs_close(&db);
    return rc;
}
