/* engine.c - the model graph, written once above the backend's operations.
 *
 * LLaMA (Touvron et al. 2023): x += Wo attention(rope(Wq n(x)), rope(Wk n(x)), Wv n(x));
 * x += Wdown (silu(Wgate n(x)) * Wup n(x)), with n the RMS norm; logits = Wout n(x).
 * Qwen2 (Yang et al. 2024) adds biases to Wq, Wk and Wv, and rotates other pairs. A draft head of EAGLE is such a
 * model with one layer, another input and neither a first norm nor a last one (model_open_head). */
#include "core/engine.h"

#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "core/fit.h"
#include "core/mem.h"
#include "core/quantize.h"

struct layer {
    float *attn_norm, *ffn_norm, *q_bias, *k_bias, *v_bias; // biases: null without
    struct weight q, k, v, o, gate, up, down;
};

struct engine {
    const struct model *m;
    const struct backend_type *ops;
    struct backend *b;
    struct kv_shape kv_shape;
    void *kv;
    struct layer *layer; // (layers), owned
    bool shares; // the backend is another engine's
    float *output_norm, *rope; // output_norm: null in a draft head, as is layer 0's attn_norm
    struct weight output, embedding;
    int outputs;      // columns of the logits
    int *output_ids;  // (outputs) owned, or null: all tokens
    int *output_map;  // the same where the backend computes
    struct weight fc; // a draft head's (hidden, 2 hidden): embedding first
    float *fc_bias, *pair; // (hidden) or null; (max_rows, 2 hidden)
    int context, max_rows, wanted; // context: positions a sequence may reach; a tree's rows lie in cells beyond, as many as a pass has rows
    int *length, *pass;  // (slots) committed tokens; rows of the last pass
    int *index;          // one block for the rows' arrays below, owned
    const float **feature; // (max_rows) owned
    const struct choice **chosen; // (max_rows) owned
    struct batch rows;
    float *x, *n, *q, *k, *v, *a, *gate, *up, *features, *picked, *logits; // (max_rows, ...), the backend's
};

static int upload_vector(struct engine *e, const struct tensor *t, float **out, struct err *err) {
    float *host = mem_alloc(t->ne[0], sizeof *host, "a vector", err);
    if (host && (*out = e->ops->alloc(e->b, t->ne[0], sizeof **out, "a vector", err))) {
        tensor_row(t, 0, host);
        e->ops->write(e->b, *out, host, t->ne[0] * sizeof **out);
    }
    mem_free(host);
    return *out ? 0 : -1;
}

/* As it is stored, or quantized: one matrix at a time, so that only one copy is around. */
static int upload_matrix(struct engine *e, const struct tensor *t, struct weight *w, struct err *err) {
    uint32_t type = model_type(e->m, t);
    struct tensor quantized;
    if (type == t->type) return e->ops->upload(e->b, t, w, err);
    if (tensor_quantize(t, type, &quantized, err)) return -1;
    int rc = e->ops->upload(e->b, &quantized, w, err);
    mem_free((void *)quantized.data);
    return rc;
}

static int upload_layer(struct engine *e, int i, struct err *err) {
    const struct model_layer *from = &e->m->layer[i];
    struct layer *to = &e->layer[i];
    const struct { const struct tensor *t; struct weight *w; } pairs[] = {
        {from->q, &to->q}, {from->k, &to->k}, {from->v, &to->v}, {from->o, &to->o},
        {from->gate, &to->gate}, {from->up, &to->up}, {from->down, &to->down},
    };
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++)
        if (upload_matrix(e, pairs[p].t, pairs[p].w, err)) return -1;
    const struct { const struct tensor *t; float **to; } vectors[] = {
        {from->attn_norm, &to->attn_norm}, {from->ffn_norm, &to->ffn_norm},
        {from->q_bias, &to->q_bias}, {from->k_bias, &to->k_bias}, {from->v_bias, &to->v_bias},
    };
    for (size_t v = 0; v < sizeof vectors / sizeof *vectors; v++)
        if (vectors[v].t && upload_vector(e, vectors[v].t, vectors[v].to, err)) return -1;
    return 0;
}

/* cos and sin of position * theta^(-2j / dim) / factor_j, computed in double. */
static int make_rope(struct engine *e, struct err *err) {
    int half = e->m->dim / 2, cells = e->kv_shape.cells;
    float *host = mem_alloc((size_t)cells * half, 2 * sizeof *host, "the rotary table", err);
    e->rope = e->ops->alloc(e->b, (size_t)cells * half, 2 * sizeof *e->rope, "the rotary table", err);
    if (!host || !e->rope) {
        mem_free(host);
        return -1;
    }
    for (int j = 0; j < half; j++) {
        double frequency = pow(e->m->rope_theta, -2.0 * j / e->m->dim);
        float f = e->m->rope_factors ? e->m->rope_factors[j] : 1;
        for (int p = 0; p < cells; p++) {
            host[((size_t)p * half + j) * 2] = (float)cos(p * frequency / f);
            host[((size_t)p * half + j) * 2 + 1] = (float)sin(p * frequency / f);
        }
    }
    e->ops->write(e->b, e->rope, host, (size_t)cells * half * 2 * sizeof *host);
    mem_free(host);
    return 0;
}

static int allocate(struct engine *e, int slots, struct err *err) {
    const struct model *m = e->m;
    int q = m->heads * m->dim, kv = m->kv_heads * m->dim, rows = e->max_rows;
    const struct { float **to; int cols; const char *what; } buffers[] = {
        {&e->x, m->hidden, "hidden states"}, {&e->n, m->hidden, "normed states"}, {&e->q, q, "queries"},
        {&e->k, kv, "keys"}, {&e->v, kv, "values"}, {&e->a, q, "attention"}, {&e->gate, m->ff, "gate"},
        {&e->up, m->ff, "up"}, {&e->features, m->hidden, "features"}, {&e->picked, m->hidden, "features"}, {&e->logits, e->outputs, "logits"},
        {&e->pair, m->fc ? 2 * m->hidden : 0, "head inputs"},
    };
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        if (!(*buffers[i].to = e->ops->alloc(e->b, (size_t)rows * buffers[i].cols, sizeof(float), buffers[i].what, err))) return -1;
    int widest = m->ff > q ? m->ff : q, input = m->fc ? 2 * m->hidden : m->hidden;
    if (e->ops->reserve(e->b, rows, widest > input ? widest : input, err)) return -1;
    if (!(e->kv = e->ops->kv_alloc(e->b, &e->kv_shape, m->heads, err))) return -1;
    e->length = mem_alloc((size_t)slots, sizeof *e->length, "slots", err);
    e->pass = mem_alloc((size_t)slots, sizeof *e->pass, "slots", err);
    e->index = mem_alloc((size_t)rows * 7 + 1 + (size_t)rows * rows, sizeof *e->index, "row indices", err);
    e->feature = mem_alloc((size_t)rows, sizeof *e->feature, "row features", err);
    e->chosen = mem_alloc((size_t)rows, sizeof *e->chosen, "row tokens", err);
    return e->length && e->pass && e->index && e->feature && e->chosen ? 0 : -1;
}

/* The output layer: the whole matrix, that of the engine whose backend is shared, or only the rows of some tokens. */
static int upload_output(struct engine *e, const struct engine_options *o, struct err *err) {
    const struct tensor *t = e->m->output;
    e->outputs = o->output_ids ? o->outputs : e->m->vocab;
    if (!o->output_ids) {
        bool same = o->share && o->share->m->output == t && !o->share->output_ids;
        if (same) e->output = o->share->output;
        return same ? 0 : upload_matrix(e, t, &e->output, err);
    }
    const struct tensor_layout *l = tensor_layout(t->type);
    size_t row = (size_t)t->ne[0] / (size_t)l->block * (size_t)l->bytes, n = (size_t)o->outputs;
    unsigned char *some = mem_alloc(n, row, "rows of the output layer", err);
    e->output_ids = mem_alloc(n, sizeof *e->output_ids, "rows of the output layer", err);
    int rc = some && e->output_ids ? 0 : -1;
    for (size_t i = 0; !rc && i < n; i++) {
        e->output_ids[i] = o->output_ids[i];
        memcpy(some + i * row, (const unsigned char *)t->data + (size_t)o->output_ids[i] * row, row);
    }
    struct tensor part = *t;
    part.data = some, part.ne[1] = n, part.bytes = n * row;
    if (!rc) rc = upload_matrix(e, &part, &e->output, err);
    mem_free(some);
    if (!rc && !(e->output_map = e->ops->alloc(e->b, n, sizeof *e->output_map, "rows of the output layer", err))) rc = -1;
    if (!rc) e->ops->write(e->b, e->output_map, e->output_ids, n * sizeof *e->output_map);
    return rc;
}

/* The embedding: that of the engine whose backend is shared, the output layer where that is the same matrix, or a table of its own. */
static int upload_embedding(struct engine *e, const struct engine_options *o, struct err *err) {
    const struct tensor *t = e->m->embedding;
    if (o->share && o->share->m->embedding == t) {
        e->embedding = o->share->embedding;
        return 0;
    }
    bool tied = t == e->m->output && !o->output_ids && model_type(e->m, t) == t->type;
    return e->ops->table(e->b, t, tied ? &e->output : NULL, &e->embedding, err);
}

int engine_open(struct engine **out, const struct model *m, const struct engine_options *o, struct err *err) {
    const struct backend_type *ops = o->share ? o->share->ops : backend_find(o->backend ? o->backend : "cpu", err);
    if (!ops) return -1;
    int rc = -1, slots = o->slots > 0 ? o->slots : 1, fallback = m->context < 4096 ? m->context : 4096;
    struct engine *e = mem_alloc(1, sizeof *e, "the engine", err);
    if (!e) return -1;
    e->m = m, e->ops = ops;
    e->max_rows = o->max_rows > 0 ? o->max_rows : 72;
    e->context = o->max_context > 0 ? o->max_context : fallback;
    e->kv_shape = (struct kv_shape){m->layers, slots, e->context + e->max_rows, m->kv_heads, m->dim};
    if (e->context > m->context) {
        mem_free(e);
        return err_set(err, "a context of %d tokens exceeds the %d that '%s' was made for", o->max_context, m->context, m->files.path);
    }
    e->shares = o->share != NULL;
    if (e->shares) e->b = o->share->b;
    else if ((rc = ops->open(&e->b, &(struct backend_options){o->threads, o->device, o->loose}, err))) goto fail;
    rc = -1;
    if (fit_check(&(struct fit){e->ops, e->b, m, &e->kv_shape, e->context, e->max_rows, o->output_ids ? o->outputs : 0, o->share ? o->share->m : NULL}, err)) goto fail;
    if (!(e->layer = mem_alloc((size_t)m->layers, sizeof *e->layer, "layers", err))) goto fail;
    for (int i = 0; i < m->layers; i++)
        if (upload_layer(e, i, err)) goto fail;
    if (m->output_norm && upload_vector(e, m->output_norm, &e->output_norm, err)) goto fail;
    if (m->fc && upload_matrix(e, m->fc, &e->fc, err)) goto fail;
    if (m->fc_bias && upload_vector(e, m->fc_bias, &e->fc_bias, err)) goto fail;
    if (upload_output(e, o, err) || upload_embedding(e, o, err)) goto fail;
    if (allocate(e, slots, err) || make_rope(e, err)) goto fail;
    *out = e;
    return 0;
fail:
    engine_close(e);
    return rc;
}

void engine_close(struct engine *e) {
    if (!e) return;
    if (!e->shares && e->b) e->ops->close(e->b); // what a sharing engine allocated goes with its owner
    mem_free(e->layer), mem_free(e->length), mem_free(e->pass), mem_free(e->index), mem_free(e->feature), mem_free(e->chosen), mem_free(e->output_ids);
    mem_free(e);
}

const struct model *engine_model(const struct engine *e) { return e->m; }
const char *engine_device(const struct engine *e) { return e->ops->device(e->b); }
int engine_threads(const struct engine *e) { return e->ops->threads(e->b); }
int engine_max_context(const struct engine *e) { return e->context; }
int engine_max_rows(const struct engine *e) { return e->max_rows; }
int engine_slots(const struct engine *e) { return e->kv_shape.slots; }
int engine_length(const struct engine *e, int slot) { return e->length[slot]; }

/* Lays the rows out: where each is written and which cells it sees. */
static int lay_out(struct engine *e, const struct row *rows, int n, struct err *err) {
    int *token = e->index, *slot = token + n, *pos = slot + n, *cell = pos + n, *prefix = cell + n;
    int *pick = prefix + n, *path_at = pick + n, *path = path_at + n + 1, used = 0, wanted = 0;
    bool unread = false;
    if (n < 1 || n > e->max_rows) return err_set(err, "a pass of %d rows, expected 1 to %d", n, e->max_rows);
    memset(e->pass, 0, (size_t)e->kv_shape.slots * sizeof *e->pass);
    for (int i = 0; i < n; i++) {
        const struct row *r = &rows[i];
        if (!r->chosen && (r->token < 0 || r->token >= e->m->vocab))
            return err_set(err, "token id %d at row %d, expected 0 to %d", r->token, i, e->m->vocab - 1);
        if (r->slot < 0 || r->slot >= e->kv_shape.slots || r->parent >= i || (r->parent >= 0 && rows[r->parent].slot != r->slot))
            return err_set(err, "row %d has slot %d and parent %d, expected a slot below %d and an earlier row of that slot", i, r->slot, r->parent, e->kv_shape.slots);
        token[i] = r->chosen ? 0 : r->token, slot[i] = r->slot, prefix[i] = e->length[r->slot];
        pos[i] = r->parent < 0 ? prefix[i] : pos[r->parent] + 1;
        cell[i] = prefix[i] + e->pass[r->slot]++;
        if (pos[i] >= e->context || cell[i] >= e->kv_shape.cells)
            return err_set(err, "the context of %d tokens is full (--max-context allows up to %d here)", e->context, e->m->context);
        path_at[i] = used;
        if (r->parent >= 0) {
            int from = path_at[r->parent], count = path_at[r->parent + 1] - from;
            memcpy(path + used, path + from, (size_t)count * sizeof *path);
            used += count;
        }
        path[used++] = cell[i];
        path_at[i + 1] = used;
        if (r->logits) pick[wanted++] = i;
        e->feature[i] = r->feature, e->chosen[i] = r->chosen;
        unread = unread || r->chosen;
    }
    e->rows = (struct batch){n, token, unread ? e->chosen : NULL, slot, pos, cell, prefix, path, path_at, e->m->fc ? e->feature : NULL, wanted, pick};
    return 0;
}

static void run_layer(struct engine *e, int i) {
    const struct backend_type *o = e->ops;
    const struct layer *l = &e->layer[i];
    const struct model *m = e->m;
    const int n = e->rows.n;
    if (l->attn_norm) o->norm(e->b, e->x, l->attn_norm, n, m->hidden, m->eps, e->n);
    o->matmul(e->b, 3, (const struct weight *[]){&l->q, &l->k, &l->v}, l->attn_norm ? e->n : e->x, n, (float *[]){e->q, e->k, e->v});
    if (l->q_bias) {
        o->add_bias(e->b, e->q, l->q_bias, n, l->q.rows);
        o->add_bias(e->b, e->k, l->k_bias, n, l->k.rows);
        o->add_bias(e->b, e->v, l->v_bias, n, l->v.rows);
    }
    o->rope_append(e->b, &e->kv_shape, e->kv, i, &e->rows, m->rope_pairs, e->rope, m->heads, e->q, e->k, e->v);
    o->attention(e->b, &e->kv_shape, e->kv, i, &e->rows, m->heads, e->q, e->a);
    o->matmul(e->b, 1, (const struct weight *[]){&l->o}, e->a, n, &e->n);
    o->add(e->b, e->x, e->n, n, m->hidden);
    o->norm(e->b, e->x, l->ffn_norm, n, m->hidden, m->eps, e->n);
    o->matmul(e->b, 2, (const struct weight *[]){&l->gate, &l->up}, e->n, n, (float *[]){e->gate, e->up});
    o->gate(e->b, e->gate, e->up, n, m->ff, e->gate);
    o->matmul(e->b, 1, (const struct weight *[]){&l->down}, e->gate, n, &e->n);
    o->add(e->b, e->x, e->n, n, m->hidden);
}

/* What a pass computes; a draft head's input is x = fc (embedding, feature) + bias (Li et al. 2024, EAGLE, section 4.1). */
static void compute(struct engine *e) {
    const struct backend_type *o = e->ops;
    const struct model *m = e->m;
    const int n = e->rows.n;
    o->embed(e->b, &e->embedding, &e->rows, e->x);
    if (m->fc) {
        o->join(e->b, e->x, &e->rows, m->hidden, e->pair);
        o->matmul(e->b, 1, (const struct weight *[]){&e->fc}, e->pair, n, &e->x);
        if (e->fc_bias) o->add_bias(e->b, e->x, e->fc_bias, n, m->hidden);
    }
    for (int i = 0; i < m->layers; i++) run_layer(e, i);
    if (e->output_norm) o->norm(e->b, e->x, e->output_norm, n, m->hidden, m->eps, e->features);
    else o->write(e->b, e->features, e->x, (size_t)n * m->hidden * sizeof(float));
    const bool all = e->rows.wanted == n;
    if (!e->rows.wanted) return;
    if (!all) o->pick(e->b, e->features, &e->rows, m->hidden, e->picked); // only the wanted rows go through the output layer
    o->matmul(e->b, 1, (const struct weight *[]){&e->output}, all ? e->features : e->picked, e->rows.wanted, &e->logits);
}

int engine_forward(struct engine *e, const struct row *rows, int n, struct err *err) {
    if (lay_out(e, rows, n, err)) return -1;
    e->wanted = e->rows.wanted;
    if (!e->ops->begin || !e->ops->begin(e->b, e, e->kv, &e->rows)) {
        compute(e);
        if (e->ops->end && !e->ops->end(e->b)) compute(e);
    }
    return engine_status(e, err);
}

int engine_status(struct engine *e, struct err *err) { return e->ops->status ? e->ops->status(e->b, err) : 0; }
int engine_wait(struct engine *e, struct err *err) { return e->ops->wait ? e->ops->wait(e->b, err) : 0; }

int engine_wanted(const struct engine *e) { return e->wanted; }

int engine_top(struct engine *e, int k, int *ids, float *values) {
    e->ops->top(e->b, e->logits, e->wanted, e->outputs, k, ids, values);
    for (int i = 0; e->output_ids && i < e->wanted * k; i++) ids[i] = e->output_ids[ids[i]];
    return e->wanted;
}

int engine_logits(struct engine *e, float *out) {
    e->ops->read(e->b, out, e->logits, (size_t)e->wanted * e->outputs * sizeof *out);
    return e->wanted;
}

int engine_outputs(const struct engine *e) { return e->outputs; }
const int *engine_output_ids(const struct engine *e) { return e->output_ids; }
void engine_confidence(struct engine *e, float *top_prob, float *entropy) {
    e->ops->confidence(e->b, e->logits, e->wanted, e->outputs, top_prob, entropy);
}

void engine_choose(struct engine *e, const struct choosing *how, struct choice *to) {
    struct choosing own = *how;
    own.ids = e->output_map;
    if (e->wanted) e->ops->choose(e->b, e->logits, e->wanted, e->outputs, &own, to);
}

void engine_read(struct engine *e, struct choice *host, const struct choice *from, int n) { e->ops->read(e->b, host, from, (size_t)n * sizeof *host); }
void engine_copy(struct engine *e, struct choice *to, const struct choice *from, int n) { e->ops->write(e->b, to, from, (size_t)n * sizeof *to); }
struct choice *engine_choices(struct engine *e, size_t count, const char *what, struct err *err) { return e->ops->alloc(e->b, count, sizeof(struct choice), what, err); }

int64_t engine_mark(struct engine *e) { return e->ops->mark ? e->ops->mark(e->b) : clock_ns(); }
int64_t engine_elapsed(struct engine *e, int64_t from, int64_t to) { return e->ops->elapsed ? e->ops->elapsed(e->b, from, to) : to - from; }
double engine_peak(struct engine *e) { return e->ops->peak ? e->ops->peak(e->b) : 0; }

void engine_features(struct engine *e, int from, int n, float *out) {
    e->ops->read(e->b, out, e->features + (size_t)from * e->m->hidden, (size_t)n * e->m->hidden * sizeof *out);
}

void engine_keep(struct engine *e, int from, int n, float *out) {
    e->ops->write(e->b, out, e->features + (size_t)from * e->m->hidden, (size_t)n * e->m->hidden * sizeof *out);
}

float *engine_buffer(struct engine *e, size_t count, const char *what, struct err *err) { return e->ops->alloc(e->b, count, sizeof(float), what, err); }

void engine_commit(struct engine *e, int slot, int n) { e->length[slot] += n; }
void engine_commit_path(struct engine *e, int slot, const int *row, int n) {
    int from = e->length[slot];
    for (int i = 0; i < n; i++)
        if (row[i] != i) e->ops->kv_move(e->b, &e->kv_shape, e->kv, slot, from + row[i], from + i);
    e->length[slot] += n;
}
void engine_rewind(struct engine *e, int slot, int length) { e->length[slot] = length; }

int engine_prefill(struct engine *e, int slot, const int *tokens, int n, float *features, struct err *err) {
    struct row rows[256];
    int most = e->max_rows < 256 ? e->max_rows : 256;
    for (int at = 0; at < n; at += most) {
        int count = n - at < most ? n - at : most;
        for (int i = 0; i < count; i++) rows[i] = (struct row){tokens[at + i], slot, i - 1, at + i == n - 1, NULL};
        if (engine_forward(e, rows, count, err)) return -1;
        if (features) engine_keep(e, 0, count, features + (size_t)at * e->m->hidden);
        engine_commit(e, slot, count);
    }
    return 0;
}
