/* cmd_record.c - `banditspec record`: real speculative decoding into a trace. */
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/cmd.h"
#include "core/mem.h"
#include "core/progress.h"
#include "core/setup.h"
#include "traces/prompt_ids.h"
#include "traces/record.h"

static const struct opt_help help = {
    .usage = "record --model M --drafter D... --prompts F --db T [options]",
    .about = "Decodes every prompt and stores, for each position and drafter, how many drafted tokens the target\n"
             "accepts, with timings. One transaction a prompt: a run that was stopped goes on when the same command\n"
             "is given again. Prompts are JSON Lines with `turns`, `prompt` or `prompt_ids`.",
    .example = "  banditspec record --model SmolLM2.gguf --drafter pld sam --prompts prompts.jsonl --db run.db --max-new 128\n",
};

struct options {
    struct setup_options setup;
    const char *prompts, *db;
    int max_new, limit, max_draft;
    bool no_text, fresh;
};

struct recorder {
    const struct options *o;
    struct setup setup;
    struct prompts prompts;
    struct store store;
    struct recorded recorded;
    struct ids ids; // of the prompt at hand
    int done, skipped;
    long tokens;
    double seconds; // of target and drafters, the clock around their calls
};

/* Target and drafters, prefill included, of the sequence just recorded. */
static double forwards(const struct recorded *r, int D) {
    int64_t ns = r->prefill_ns;
    for (int i = 0; i < D; i++) ns += r->catch_up[i].prompt_ns;
    for (int pos = 1; pos < r->tokens; pos++) {
        ns += r->steps[pos].verify_ns;
        for (int i = 0; i < D; i++) ns += r->drafts[(size_t)pos * (size_t)D + (size_t)i].ns;
    }
    return (double)ns / 1e9;
}

static int open_store(struct recorder *r, struct err *err) {
    const struct options *o = r->o;
    const struct setup *s = &r->setup;
    char target[SHA256_HEX], text[96];
    struct store_drafter drafters[SETUP_DRAFTERS];
    if (model_sha256(&s->model, target, err)) return -1;
    char sha[SETUP_DRAFTERS][SHA256_HEX];
    for (int i = 0; i < s->D; i++) {
        const struct drafter *d = &s->drafters[i];
        sha[i][0] = 0;
        if (d->type->sha256 && d->type->sha256(d, sha[i], err)) return -1;
        drafters[i] = (struct store_drafter){d->name, d->type->name, d->options, sha[i], o->max_draft};
    }
    snprintf(text, sizeof text, "{\"ignore_eos\":%s}", o->setup.ignore_eos ? "true" : "false");
    const struct store_recording recording = {
        .target = s->model.name, .target_sha256 = target, .tokenizer_sha256 = s->tokenizer.sha256,
        .backend = o->setup.backend, .device = engine_device(s->engine), .dtype = s->model.dtype,
        .template = chat_name(&s->chat), .engine_version = VERSION, .options = text,
        .threads = engine_threads(s->engine), .max_new = o->max_new, .max_draft = o->max_draft,
        .temperature = o->setup.temperature, .noise_seed = (int64_t)o->setup.noise_seed,
    };
    return store_open(&r->store, o->db, &recording, drafters, s->D, !o->no_text, o->fresh, err);
}

/* Records one prompt unless the trace has it. */
static int record_prompt(struct recorder *r, int ordinal, struct err *err) {
    const struct prompt *p = &r->prompts.at[ordinal];
    struct decoder *d = &r->setup.decoder;
    char key[17];
    if (prompt_ids(p, &r->setup.chat, r->setup.model.vocab, &r->ids, err) || prompt_key(r->ids.at, (int)r->ids.n, key, err))
        return err_add(err, " (prompt %d of '%s')", ordinal, r->o->prompts);
    int has = store_has(&r->store, ordinal, key, err);
    if (has) {
        r->skipped += has > 0;
        return has < 0 ? has : 0;
    }
    if (record_sequence(&r->recorded, d, r->ids.at, (int)r->ids.n, r->o->max_new, r->o->max_draft, prompt_sequence(key), ordinal, err))
        return err_add(err, " (prompt %d of '%s')", ordinal, r->o->prompts);
    const struct store_sequence q = {
        .ordinal = ordinal, .prompt_key = key, .category = p->category, .question = p->question,
        .prompt = r->ids.at, .prompt_tokens = (int)r->ids.n, .tokens = r->recorded.tokens, .first_token = r->recorded.token[0],
        .eos = r->recorded.eos, .prefill_ns = r->recorded.prefill_ns,
    };
    r->done++;
    r->tokens += r->recorded.tokens;
    r->seconds += forwards(&r->recorded, d->D);
    return record_store(&r->recorded, &r->store, d, &q, err);
}

static int record_all(struct recorder *r, struct err *err) {
    struct progress bar = progress_start("recording", r->prompts.n, 0);
    int64_t start = clock_ns();
    int rc = 0;
    for (int i = 0; !rc && i < r->prompts.n; i++) {
        rc = record_prompt(r, i, err);
        if (r->skipped && !r->done) bar.start_done = i + 1; // no time was spent on these
        progress_step(&bar, i + 1);
    }
    progress_end(&bar);
    if (rc) return rc;
    double took = (double)(clock_ns() - start) / 1e9;
    printf("%s: recording %lld has %d prompt%s (%d recorded now, %d already there), %ld tokens in %.1f s", r->o->db, (long long)r->store.recording,
           r->prompts.n, r->prompts.n == 1 ? "" : "s", r->done, r->skipped, r->tokens, took);
    if (r->done) printf(", %.2f times the forward passes of target and drafters", took / r->seconds);
    putchar('\n');
    return rc;
}

int cmd_record(int argc, char **argv, struct err *err) {
    struct options o = {.setup = {.backend = "cpu"}, .max_new = 128, .max_draft = 8};
    const struct opt table[] = {
        SETUP_OPTIONS(&o.setup),
        {"prompts", OPT_TEXT, &o.prompts, "FILE", "prompts, JSON Lines", .required = true},
        {"db", OPT_TEXT, &o.db, "T", "the trace, made when there is none", .required = true},
        {"max-new", OPT_INT, &o.max_new, "N", "tokens to emit at most", 1, 1 << 20},
        {"max-draft", OPT_INT, &o.max_draft, "L", "tokens every drafter drafts", 1, DRAFT_MAX},
        {"limit", OPT_INT, &o.limit, "N", "only the first N prompts, 0 for all", 0, 1 << 30},
        {"no-text", OPT_FLAG, &o.no_text, NULL, "keep prompts and token ids out of the trace"},
        {"fresh", OPT_FLAG, &o.fresh, NULL, "a new recording where only device, threads or version differ"},
        {0},
    };
    int rc = opt_parse(table, &help, argc, argv, err);
    if (rc) return rc > 0 ? 0 : rc;
    struct recorder *r = mem_alloc(1, sizeof *r, "the recorder", err);
    if (!r) return -1;
    r->o = &o;
    rc = prompts_open(&r->prompts, o.prompts, o.limit, err);
    if (!rc) rc = setup_open(&r->setup, &o.setup, err);
    if (!rc) rc = open_store(r, err);
    if (!rc) rc = recorded_open(&r->recorded, o.max_new, r->setup.D, err);
    if (!rc) rc = record_all(r, err);
    recorded_close(&r->recorded);
    store_close(&r->store);
    setup_close(&r->setup);
    prompts_close(&r->prompts);
    ids_close(&r->ids);
    mem_free(r);
    return rc;
}
