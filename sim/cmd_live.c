/* cmd_live.c - `banditspec live`: decoding under a policy, while one watches. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/cmd.h"
#include "core/mem.h"
#include "core/progress.h"
#include "core/setup.h"
#include "core/text_stream.h"
#include "policies/policy.h"
#include "policies/state_file.h"
#include "sim/live.h"
#include "sim/live_batch.h"
#include "sim/print_fidelity.h"
#include "sim/print_live.h"
#include "sim/replay.h"
#include "sim/results.h"
#include "sim/results_fidelity.h"
#include "traces/prompt_ids.h"

static const struct opt_help help = {
    .usage = "live --model M --drafter D... --policy P (--prompt TEXT | --prompts F) [options]",
    .about = "Decodes under a policy. On a terminal, tokens that were drafted and accepted stand out from the\n"
             "target's own. The text is the target's own, token for token, whatever the policy. --compare decodes\n"
             "plainly as well and prints the speed-up, from five prompts on with its 95% interval over prompts;\n"
             "--check plays the same policy over a recorded trace with this run's timings and stops at the first\n"
             "round that differs. With --policy-state the policy starts from what it learned in earlier runs (with\n"
             "--scope prompt every prompt does) and leaves what it knows at the end.\n"
             "Several policies decode every prompt in turn and are tabled instead; with --check beside what replay,\n"
             "knowing nothing of this run, says of their speed, and --results keeps that for plots.",
    .example = "  banditspec live --model SmolLM2.gguf --drafter pld sam --prompt 'Write a haiku about rivers.' --compare\n"
               "  banditspec live --model SmolLM2.gguf --drafter pld sam --prompts p.jsonl --check run.db --policy ucbspec\n"
               "  banditspec live --model SmolLM2.gguf --drafter pld sam --prompts p.jsonl --policy-state learned.state --scope stream\n"
               "  banditspec live --model SmolLM2.gguf --drafter pld sam --prompts p.jsonl --policy auto hf thompson --check run.db --compare\n",
};

struct options {
    struct setup_options setup;
    const char *prompt, *prompts, *scope, *steps, *check, *state, *results;
    struct texts arms, policies, policy_files;
    int max_new, limit, recording, batch, quota;
    const char *per;
    uint64_t seed;
    bool ids, json, compare;
};

/* One policy, and what decoding came to under it. */
struct candidate {
    struct agent agent;
    struct mirror mirror;
    struct rounds rounds; // of the prompt at hand
    struct live_total total;
    int64_t *pulls;       // (K), owned
};

struct live {
    const struct options *o;
    struct setup setup;
    struct prompts prompts;
    struct arms arms;
    struct problem problem;
    struct trace trace;
    struct cost cost;
    struct passes passes;
    struct candidate *candidates; // (P), owned
    int P;
    struct candidate *decodes; // the one at it
    double plain_s, plain_simulated_s; // of all prompts, decoded plainly
    struct world_live world;
    struct live_prompt prompt; // the one at hand
    struct ids ids;
    struct steps steps;
    struct whole file; // of --steps
    int ordinal;
    struct printer printer;
    struct fidelity fidelity; // seconds by policy and prompt
};

/* Forgets the policy what it learned when a prompt begins? */
static bool forgets(const struct live *l, const struct candidate *x) {
    return l->o->scope ? !strcmp(l->o->scope, "prompt") : !(x->agent.policy->flags & POLICY_CARRIES);
}

/* Policies side by side: their table is shown, not the text, which is the same for all. */
static bool tabled(const struct live *l) { return l->P > 1 || l->o->results; }

static int check_options(const struct options *o, struct err *err) {
    if (!o->prompt == !o->prompts) return err_usage(err, "give either --prompt or --prompts (see banditspec live --help)");
    if (o->scope && strcmp(o->scope, "prompt") && strcmp(o->scope, "stream"))
        return err_usage(err, "option '--scope' wants prompt or stream, got '%s'", o->scope);
    if (o->ids && o->json) return err_usage(err, "give --ids or --json, not both");
    if (strcmp(o->per, "request") && strcmp(o->per, "batch")) return err_usage(err, "option '--per' wants request or batch, got '%s'", o->per);
    if (o->batch && o->state) return err_usage(err, "option '--policy-state' is not for a batch (see --batch)");
    if (!o->batch && o->quota) return err_usage(err, "option '--quota' is for a batch (see --batch)");
    const bool several = o->policies.n > 1 || o->results;
    if (several && o->batch) return err_usage(err, "several policies, or '--results', are not for a batch (see --batch)");
    if (o->policies.n > 1 && o->state) return err_usage(err, "option '--policy-state' keeps what one policy learned, %d are given", o->policies.n);
    if (several && o->ids) return err_usage(err, "option '--ids' prints the text that all policies give; name one");
    if (o->results && !o->check) return err_usage(err, "option '--results' keeps live speeds beside simulated ones: give --check T as well");
    return 0;
}

static int open_prompts(struct live *l, struct err *err) {
    if (l->o->prompts) return prompts_open(&l->prompts, l->o->prompts, l->o->limit, err);
    if (!(l->prompts.at = mem_alloc(1, sizeof *l->prompts.at, "the prompt", err))) return -1;
    l->prompts.n = 1;
    struct prompt *p = &l->prompts.at[0];
    p->text = mem_text(l->o->prompt, strlen(l->o->prompt), err);
    p->question = mem_text("", 0, err), p->category = mem_text("", 0, err);
    return p->text && p->question && p->category ? 0 : -1;
}

/* What record writes into recording.options. */
static bool ignored_eos(const struct trace *t) {
    json_t *options = json_loads(t->options, 0, NULL);
    bool ignored = json_is_true(json_object_get(options, "ignore_eos"));
    json_decref(options);
    return ignored;
}

/* The trace must tell of this very target and these very drafters. */
static int open_check(struct live *l, struct err *err) {
    if (!l->o->check) return 0;
    const struct trace *t = &l->trace;
    char sha[SHA256_HEX];
    if (trace_open(&l->trace, l->o->check, l->o->recording, err) || cost_fit(&l->cost, t, err) || passes_fit(&l->passes, t, err) || model_sha256(&l->setup.model, sha, err)) return -1;
    if (strcmp(sha, t->target_sha256)) return err_set(err, "trace '%s' was recorded with another target ('%s')", t->path, t->target);
    if (strcmp(l->setup.tokenizer.sha256, t->tokenizer_sha256)) return err_set(err, "trace '%s' was recorded with another tokenizer", t->path);
    if (l->o->max_new != t->max_new) return err_set(err, "trace '%s' was recorded with --max-new %d, not %d", t->path, t->max_new, l->o->max_new);
    if (l->o->setup.temperature != t->temperature || (t->temperature > 0 && (int64_t)l->o->setup.noise_seed != t->noise_seed))
        return err_set(err, "trace '%s' was recorded with --temperature %g --noise-seed %lld", t->path, t->temperature, (long long)t->noise_seed);
    if (l->o->setup.ignore_eos != ignored_eos(t))
        return err_set(err, "trace '%s' was recorded with%s --ignore-eos", t->path, l->o->setup.ignore_eos ? "out" : "");
    bool same = l->setup.D == t->D;
    for (int d = 0; same && d < t->D; d++)
        same = !strcmp(l->setup.drafters[d].name, t->drafters[d].name) && !strcmp(l->setup.drafters[d].options, t->drafters[d].parameters);
    if (same) return 0;
    err_set(err, "trace '%s' was recorded with --drafter", t->path);
    for (int d = 0; d < t->D; d++) err_add(err, " %s@%s,%s", t->drafters[d].name, t->drafters[d].kind, t->drafters[d].parameters);
    return err_add(err, "; give the same, in this order");
}

static int open_arms(struct live *l, struct err *err) {
    const char *names[SETUP_DRAFTERS];
    int L = l->o->check ? l->trace.L : 8;
    for (int d = 0; d < l->setup.D; d++) names[d] = l->setup.drafters[d].name;
    int rc = arms_parse(&l->arms, l->o->arms.at, l->o->arms.n, names, l->setup.D, l->o->arms.n && !l->o->check ? DRAFT_MAX : L, err);
    if (rc) return rc;
    l->problem = (struct problem){.K = l->arms.K, .D = l->setup.D, .L = l->arms.L, .arms = l->arms.at};
    return 0;
}

static int open_candidate(struct live *l, struct candidate *x, const char *spec, struct err *err) {
    int rc = agent_open(&x->agent, spec, &l->problem, err);
    if (rc) return rc;
    if (l->o->check && world_trace_ready(&l->trace, x->agent.policy->flags, l->arms.at, l->arms.K, err)) return -1;
    if (l->o->check && (rc = mirror_open(&x->mirror, &l->trace, &l->cost, spec, &l->problem, err))) return rc;
    if (l->o->state && (state_load_if_there(&x->agent, l->o->state, err) || state_save(&x->agent, l->o->state, err))) return -1; // can it be written?
    if (l->o->state && l->o->check && (state_load(&x->mirror.agent, l->o->state, err) || state_load(&x->mirror.simulator, l->o->state, err))) return -1;
    x->pulls = mem_alloc((size_t)l->arms.K, sizeof *x->pulls, "pulls", err);
    return x->pulls ? 0 : -1;
}

static int open_candidates(struct live *l, struct err *err) {
    static const struct texts one = {1, {"auto"}};
    const struct texts *specs = l->o->policies.n ? &l->o->policies : &one;
    int rc = 0;
    if (!(l->candidates = mem_alloc((size_t)specs->n, sizeof *l->candidates, "policies", err))) return -1;
    for (l->P = 0; !rc && l->P < specs->n; l->P++) rc = open_candidate(l, &l->candidates[l->P], specs->at[l->P], err);
    l->decodes = &l->candidates[0];
    if (!rc && l->o->results) rc = results_check(l->o->results, err);
    if (!rc) rc = fidelity_open(&l->fidelity, l->P, l->prompts.n, err);
    l->fidelity.simulated = l->o->check != NULL, l->fidelity.compared = l->o->compare;
    for (int p = 0; !rc && p < l->P; p++) l->fidelity.row[p].spec = l->candidates[p].agent.spec;
    return rc;
}

static void close_candidates(struct live *l) {
    for (int p = 0; l->candidates && p < l->P; p++) {
        struct candidate *x = &l->candidates[p];
        mirror_close(&x->mirror), agent_close(&x->agent), rounds_close(&x->rounds), mem_free(x->pulls);
    }
    mem_free(l->candidates);
}

static int watch_round(void *user, const struct step *s, struct err *err) {
    struct live *l = user;
    l->decodes->pulls[s->outcome.arm]++;
    if (rounds_add(&l->decodes->rounds, s, err)) return -1;
    if (!l->o->steps) return 0;
    int drafter = l->arms.at[s->outcome.arm].drafter;
    return steps_add(&l->steps, l->decodes->agent.spec, l->o->seed, l->ordinal, s, drafter < 0 ? "plain" : l->setup.drafters[drafter].name, err);
}

static int listen(void *user, const int *tokens, int n, int accepted, struct err *err) {
    struct live *l = user;
    if (tabled(l)) return 0;
    return printer_tokens(&l->printer, tokens, n, accepted, err);
}

/* The prompt decoded plainly, silently; its text must be the policy's (law 1). */
static int decode_plain(struct live *l, struct ids *text, double *seconds, struct err *err) {
    struct decoder *d = &l->setup.decoder;
    struct round r;
    int64_t prefill;
    if (decoder_start(d, l->prompt.ids, l->prompt.n, l->o->max_new, l->prompt.sequence, &prefill, err)) return -1;
    while (!d->done) {
        if (decoder_round(d, -1, 0, &r, err)) return -1;
        *seconds += (double)r.verify_ns / 1e9;
    }
    for (int i = d->prompt_n; i < (int)d->history.n; i++)
        if (ids_add(text, d->history.at[i], err)) return -1;
    return 0;
}

static int same_text(const struct ids *plain, const int *tokens, int n, int ordinal, struct err *err) {
    int i = 0;
    while (i < n && i < (int)plain->n && tokens[i] == plain->at[i]) i++;
    if (i == n && i == (int)plain->n) return 0;
    return err_set(err, "prompt %d: the text differs from plain decoding at token %d", ordinal, i);
}

/* The recorded sequence that prompt q is must say the same; and what replay alone says. */
static int hold_against_trace(struct live *l, struct candidate *x, int q, int recorded, const int *text, int n, const struct episode_total *live, struct err *err) {
    struct episode_total simulated = {0};
    const bool fresh = forgets(l, x);
    if (recorded >= 0 && mirror_sequence(&x->mirror, recorded, fresh, l->o->seed, &x->rounds, text, n, err)) return -1;
    if (tabled(l) && recorded >= 0 && mirror_simulate(&x->mirror, recorded, fresh, l->o->seed, &simulated, err)) return -1;
    for (int pos = 1; recorded >= 0 && l->o->compare && x == l->candidates && pos < n; pos++)
        l->plain_simulated_s += cost_verify_after(&l->cost, -1, 1, l->prompt.n + pos);
    l->fidelity.row[x - l->candidates].at[q] = (struct fidelity_prompt){l->ordinal, l->prompts.at[q].category, live->emitted, live->rounds, live->draft_s, live->verify_s,
                                                                    simulated.draft_s, simulated.verify_s, simulated.rounds};
    return 0;
}

static int play(struct live *l, struct candidate *x, int q, int recorded, struct err *err) {
    struct episode_watch watch = {watch_round, l};
    struct episode_total sum = {0};
    if (forgets(l, x)) agent_reset(&x->agent);
    x->rounds.n = 0;
    l->decodes = x;
    if (!tabled(l)) printer_begin(&l->printer, q, &l->prompts.at[q]);
    l->world.prompts = &l->prompt;
    int rc = episode_run(&l->world.world, &x->agent, l->o->seed, 0, (uint32_t)l->ordinal, NULL, 0, &watch, &sum, err);
    if (rc || (!tabled(l) && (rc = printer_end(&l->printer, err)))) return rc;
    x->total.rounds += sum.rounds, x->total.emitted += sum.emitted, x->total.proposed += sum.proposed, x->total.accepted += sum.accepted;
    x->total.draft_s += sum.draft_s, x->total.verify_s += sum.verify_s, x->total.prefill_s += (double)l->world.prefill_ns / 1e9;
    const struct decoder *d = &l->setup.decoder;
    return hold_against_trace(l, x, q, recorded, d->history.at + d->prompt_n, d->pos, &sum, err);
}

static int take_prompt(struct live *l, int q, char key[17], struct err *err) {
    return prompt_ids(&l->prompts.at[q], &l->setup.chat, l->setup.model.vocab, &l->ids, err) || prompt_key(l->ids.at, (int)l->ids.n, key, err) ? -1 : 0;
}

/* Every prompt must be in the trace, which is said before any is decoded. */
static int find_all(struct live *l, struct err *err) {
    int missing = 0, first = 0;
    for (int q = 0; q < l->prompts.n; q++) {
        char key[17];
        if (take_prompt(l, q, key, err)) return l->prompts.n > 1 ? err_add(err, " (prompt %d of '%s')", q, l->o->prompts) : -1;
        if (mirror_find(&l->candidates[0].mirror, key) < 0 && !missing++) first = q;
    }
    if (!missing) return 0;
    err_set(err, "trace '%s' has no such prompt", l->trace.path);
    return l->prompts.n == 1 ? -1 : err_add(err, " (prompt %d of '%s'; %d of %d are missing)", first, l->o->prompts, missing, l->prompts.n);
}

/* All policies, and plain decoding with --compare, in turn. Another begins at each prompt, so that drift hits all alike. */
static int decode_prompt(struct live *l, int q, struct err *err) {
    char key[17];
    struct ids plain = {NULL, 0, 0}, text = {NULL, 0, 0};
    const struct decoder *d = &l->setup.decoder;
    if (take_prompt(l, q, key, err)) return -1;
    l->prompt = (struct live_prompt){l->ids.at, (int)l->ids.n, prompt_sequence(key)};
    int recorded = l->o->check ? mirror_find(&l->candidates[0].mirror, key) : -1, rc = 0;
    l->ordinal = recorded >= 0 ? l->trace.sequences[recorded].ordinal : q;
    const int turns = l->P + l->o->compare;
    for (int i = 0; !rc && i < turns; i++) {
        const int p = (q + i) % turns - l->o->compare; // -1: nobody
        if (p < 0) {
            rc = decode_plain(l, &plain, &l->fidelity.plain[q], err);
            l->plain_s += l->fidelity.plain[q];
            continue;
        }
        if ((rc = play(l, &l->candidates[p], q, recorded, err))) break;
        if (text.n || !d->pos) rc = same_text(&text, d->history.at + d->prompt_n, d->pos, q, err);
        else for (int k = 0; !rc && k < d->pos; k++) rc = ids_add(&text, d->history.at[d->prompt_n + k], err);
    }
    if (!rc && l->o->compare) rc = same_text(&plain, text.at, (int)text.n, q, err);
    if (!rc && l->o->state) rc = state_save(&l->candidates[0].agent, l->o->state, err);
    ids_close(&plain), ids_close(&text);
    return rc;
}

/* Before anything is decoded. */
static int open_steps(struct live *l, struct err *err) {
    const struct options *o = l->o;
    const char *const read[] = {o->check, o->prompts, o->results, o->state, o->setup.model};
    return o->steps ? steps_begin(&l->file, o->steps, read, sizeof read / sizeof *read, err) : 0;
}

static int write_steps(struct live *l, struct err *err) {
    struct whole *f = &l->file;
    if (!f->to) return 0;
    bool good = fputs(STEPS_HEADER, f->to) >= 0 && fwrite(l->steps.text, 1, l->steps.n, f->to) == l->steps.n;
    int rc = whole_end(f, good ? 0 : err_set(err, "cannot write '%s': %s", l->o->steps, strerror(errno)), err);
    f->to = NULL;
    return rc;
}

/* Many at once. */
static int decode_batch(struct live *l, struct err *err) {
    const struct options *o = l->o;
    struct candidate *x = &l->candidates[0];
    const bool shares = x->agent.policy->share != NULL, whole = !strcmp(o->per, "batch");
    struct live_batch b = {.setup = &l->setup, .prompts = &l->prompts, .arms = &l->arms, .policy = x->agent.spec, .problem = l->problem,
                           .who = shares ? BATCH_SHARE : whole ? BATCH_WHOLE : BATCH_REQUEST, .quota = o->quota, .max_new = o->max_new, .seed = o->seed,
                           .fresh = forgets(l, x), .compare = o->compare, .trace = o->check ? &l->trace : NULL, .cost = &l->cost, .passes = &l->passes, .printer = &l->printer,
                           .steps = o->steps ? &l->steps : NULL, .pulls = x->pulls};
    struct live_batch_total total;
    if (o->quota && !shares) return err_set(err, "policy '%s' shares out no quota; those that do: see banditspec policies", x->agent.spec);
    if (live_batch_run(&b, &total, err)) return -1;
    if (write_steps(l, err)) return -1;
    return printer_batch(&l->printer, &b, &total, o->batch, err) || total.refused ? -1 : 0;
}

static int report(struct live *l, struct err *err) {
    const struct options *o = l->o;
    struct candidate *x = &l->candidates[0];
    if (!tabled(l)) {
        x->total.plain_s = l->plain_s;
        struct live_report one = {.total = &x->total, .policy = x->agent.spec, .arms = &l->arms, .pulls = x->pulls,
                                        .mirror = o->check ? &x->mirror : NULL, .compared = o->compare, .prompts = l->prompts.n};
        if (o->compare && fidelity_speedup(&l->fidelity, 0, &one.speedup, err)) return -1;
        return printer_report(&l->printer, &one, err);
    }
    struct fidelity_more more = {.plain_s = l->plain_s, .plain_simulated_s = l->plain_simulated_s};
    for (int p = 0; p < l->P; p++) more.checked_rounds += l->candidates[p].mirror.rounds;
    if (o->results) {
        const struct fidelity_head head = {engine_device(l->setup.engine), o->scope ? o->scope : "default", engine_threads(l->setup.engine), o->seed};
        if (results_add_fidelity(o->results, &l->fidelity, &l->trace, &head, err)) return -1;
    }
    return (o->json ? print_fidelity_json : print_fidelity)(stdout, &l->fidelity, &more, err);
}

static int run(struct live *l, struct err *err) {
    const struct options *o = l->o;
    int rc = open_prompts(l, err);
    if (!rc) rc = setup_open(&l->setup, &o->setup, err);
    if (!rc) rc = open_check(l, err);
    if (!rc) rc = open_arms(l, err);
    if (!rc) rc = open_candidates(l, err);
    if (!rc && o->check && !o->batch) rc = find_all(l, err); // a batch looks itself, and refuses prompts one by one
    if (!rc) rc = open_steps(l, err);
    if (rc) return rc;
    l->printer = (struct printer){.tokenizer = &l->setup.tokenizer, .ids = o->ids, .json = o->json, .many = l->prompts.n > 1,
                                  .colour = isatty(STDOUT_FILENO) == 1};
    if (o->batch) return decode_batch(l, err);
    l->world = world_live(&l->setup.decoder, NULL, o->max_new);
    l->world.listen = listen, l->world.user = l;
    struct progress progress = progress_start("decoding", tabled(l) ? l->prompts.n : 0, 0);
    for (int q = 0; !rc && q < l->prompts.n; q++) {
        if ((rc = decode_prompt(l, q, err)) == ERR_FAILED && l->prompts.n > 1) err_add(err, " (prompt %d of '%s')", q, o->prompts);
        if (tabled(l)) progress_step(&progress, q + 1);
    }
    progress_end(&progress);
    if (!rc) rc = write_steps(l, err);
    return rc ? rc : report(l, err);
}

int cmd_live(int argc, char **argv, struct err *err) {
    struct options o = {.setup = {.backend = "cpu"}, .per = "request", .max_new = 128};
    const struct opt table[] = {
        SETUP_OPTIONS(&o.setup),
        {"policy", OPT_LIST, &o.policies, "P...", "name:key=value,... (default: auto); 'none' decodes plainly (see banditspec policies); several: a table"},
        {"policy-file", OPT_LIST, &o.policy_files, "FILE.so...", "plug-ins: more policies (see policies/plugin.h)"},
        {"arms", OPT_LIST, &o.arms, "A...", "arms such as plain pld:1-8 'eagle:stop(entropy>1)' (default: plain and each drafter at 2, 4, 8)"},
        {"prompt", OPT_TEXT, &o.prompt, "TEXT", "one user turn"},
        {"prompts", OPT_TEXT, &o.prompts, "FILE", "prompts, JSON Lines"},
        {"limit", OPT_INT, &o.limit, "N", "only the first N prompts, 0 for all", 0, 1 << 30},
        {"max-new", OPT_INT, &o.max_new, "N", "tokens to emit at most", 1, 1 << 20},
        {"scope", OPT_TEXT, &o.scope, "prompt|stream", "whether the policy forgets between prompts (default: auto carries on, others forget)"},
        {"policy-state", OPT_TEXT, &o.state, "FILE", "what the policy learned: read if it is there, written after every prompt"},
        {"seed", OPT_U64, &o.seed, "S", "seed of the policy's draws"},
        {"batch", OPT_INT, &o.batch, "B", "decode B prompts at once: as one ends, the next joins", 0, BATCH_SLOTS},
        {"per", OPT_TEXT, &o.per, "request|batch", "with --batch: a policy for each request (default), or one arm for all of them"},
        {"quota", OPT_INT, &o.quota, "Q", "with --batch and a policy that shares it out: rows a pass may verify, the newest tokens included", 0, 1 << 20},
        {"compare", OPT_FLAG, &o.compare, NULL, "decode plainly as well; print the speed-up"},
        {"check", OPT_TEXT, &o.check, "T", "compare every round with replay over this trace"},
        {"results", OPT_TEXT, &o.results, "R", "with --check: append live and simulated speeds to a results file"},
        {"recording", OPT_INT, &o.recording, "ID", "which recording of the trace, 0 for the only one", 0, 1 << 30},
        {"steps", OPT_TEXT, &o.steps, "FILE", "write every round as CSV"},
        {"ids", OPT_FLAG, &o.ids, NULL, "print token ids, a JSON array a prompt, instead of text"},
        {"json", OPT_FLAG, &o.json, NULL, "print the closing figures as JSON, and no text"},
        {0},
    };
    int rc = opt_parse(table, &help, argc, argv, err);
    if (rc) return rc > 0 ? 0 : rc;
    if ((rc = check_options(&o, err)) || (rc = plugins_load(o.policy_files.at, o.policy_files.n, err))) return rc;
    o.setup.slots = o.batch, o.setup.rows = o.batch * (DRAFT_MAX + 1) < 72 ? 0 : o.batch * 17 > 72 ? o.batch * 17 : 72;
    struct live *l = mem_alloc(1, sizeof *l, "the live run", err);
    if (!l) return -1;
    l->o = &o;
    rc = run(l, err);
    if (l->file.to) whole_end(&l->file, rc, err);
    printer_close(&l->printer);
    close_candidates(l), fidelity_close(&l->fidelity), arms_close(&l->arms), trace_close(&l->trace);
    steps_close(&l->steps), ids_close(&l->ids);
    world_live_close(&l->world), setup_close(&l->setup), prompts_close(&l->prompts);
    mem_free(l);
    return rc;
}
