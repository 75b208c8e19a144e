/* plain_llama.h - a LLaMA's or Qwen2's forward pass from its definition, in double: the oracle of the engine.
 *
 * One chain of tokens, no cache, no batching, no kernels. Weights are what the file's types mean
 * exactly (tensor_row). Touvron et al. 2023; RoPE: Su et al. 2021, pairs (2j, 2j + 1), in Qwen2 (j, j + dim / 2). */
#ifndef TESTS_PLAIN_LLAMA_H
#define TESTS_PLAIN_LLAMA_H

#include <math.h>

#include "tests/tiny.h"

struct plain {
    const struct model *m;
    bool round; // activations to int8 before a product with quantized weights
};

/* What quantized weights may see of x: int8 in blocks of 32 (kernels.h). A copy. */
static inline double *plain_rounded(const double *x, size_t count) {
    double *y = tiny_alloc(count, sizeof *y);
    for (size_t b = 0; b < count; b += 32) {
        double top = 0;
        for (size_t i = b; i < b + 32; i++) top = fmax(top, fabs(x[i]));
        for (size_t i = b; i < b + 32; i++) y[i] = top > 0 ? rint(x[i] / top * 127) * top / 127 : 0;
    }
    return y;
}

/* y (n, rows) = x (n, cols) W^T */
static inline double *plain_product(const struct plain *p, const struct tensor *w, const double *exact, int n) {
    int cols = (int)w->ne[0], rows = (int)w->ne[1];
    double *y = tiny_alloc((size_t)n * rows, sizeof *y);
    double *rounded = p->round && tensor_layout(w->type)->block >= 32 ? plain_rounded(exact, (size_t)n * cols) : NULL;
    const double *x = rounded ? rounded : exact;
    float *row = tiny_alloc((size_t)cols, sizeof *row);
    for (int r = 0; r < rows; r++) {
        tensor_row(w, (uint64_t)r, row);
        for (int i = 0; i < n; i++)
            for (int c = 0; c < cols; c++) y[i * rows + r] += (double)row[c] * x[i * cols + c];
    }
    mem_free(row), mem_free(rounded);
    return y;
}

static inline double *plain_norm(const struct tensor *w, const double *x, int n, double eps) {
    int cols = (int)w->ne[0];
    double *y = tiny_alloc((size_t)n * cols, sizeof *y);
    float *weight = tiny_alloc((size_t)cols, sizeof *weight);
    tensor_row(w, 0, weight);
    for (int i = 0; i < n; i++) {
        double square = 0;
        for (int c = 0; c < cols; c++) square += x[i * cols + c] * x[i * cols + c];
        for (int c = 0; c < cols; c++) y[i * cols + c] = x[i * cols + c] / sqrt(square / cols + eps) * weight[c];
    }
    mem_free(weight);
    return y;
}

static inline void plain_rope(const struct model *m, double *x, int n, int heads) {
    for (int i = 0; i < n; i++)
        for (int h = 0; h < heads; h++)
            for (int j = 0; j < m->dim / 2; j++) {
                double turn = i * pow(m->rope_theta, -2.0 * j / m->dim) / (m->rope_factors ? m->rope_factors[j] : 1);
                int halves = m->rope_pairs == ROPE_HALVES, first = halves ? j : 2 * j, second = halves ? j + m->dim / 2 : 2 * j + 1;
                double *p = x + ((size_t)i * heads + h) * m->dim, a = p[first], b = p[second];
                p[first] = a * cos(turn) - b * sin(turn);
                p[second] = a * sin(turn) + b * cos(turn);
            }
}

static inline double *plain_attention(const struct model *m, const double *q, const double *k, const double *v, int n) {
    int dim = m->dim, group = m->heads / m->kv_heads;
    double *out = tiny_alloc((size_t)n * m->heads * dim, sizeof *out), *p = tiny_alloc((size_t)n, sizeof *p);
    for (int i = 0; i < n; i++)
        for (int h = 0; h < m->heads; h++) {
            const double *query = q + ((size_t)i * m->heads + h) * dim;
            double total = 0;
            for (int c = 0; c <= i; c++) {
                double score = 0;
                for (int d = 0; d < dim; d++) score += query[d] * k[((size_t)c * m->kv_heads + h / group) * dim + d];
                total += p[c] = exp(score / sqrt(dim));
            }
            for (int c = 0; c <= i; c++)
                for (int d = 0; d < dim; d++)
                    out[((size_t)i * m->heads + h) * dim + d] += p[c] / total * v[((size_t)c * m->kv_heads + h / group) * dim + d];
        }
    mem_free(p);
    return out;
}

static inline void plain_add(double *x, double *y, size_t count) {
    for (size_t i = 0; i < count; i++) x[i] += y[i];
    mem_free(y);
}

static inline void plain_bias(const struct tensor *bias, double *x, int n) {
    if (!bias) return;
    int cols = (int)bias->ne[0];
    float *row = tiny_alloc((size_t)cols, sizeof *row);
    tensor_row(bias, 0, row);
    for (int i = 0; i < n; i++)
        for (int c = 0; c < cols; c++) x[i * cols + c] += row[c];
    mem_free(row);
}

static inline void plain_layer(const struct plain *p, const struct model_layer *l, double *x, int n) {
    const struct model *m = p->m;
    double *normed = plain_norm(l->attn_norm, x, n, m->eps);
    double *q = plain_product(p, l->q, normed, n), *k = plain_product(p, l->k, normed, n), *v = plain_product(p, l->v, normed, n);
    plain_bias(l->q_bias, q, n);
    plain_bias(l->k_bias, k, n);
    plain_bias(l->v_bias, v, n);
    plain_rope(m, q, n, m->heads);
    plain_rope(m, k, n, m->kv_heads);
    double *a = plain_attention(m, q, k, v, n);
    plain_add(x, plain_product(p, l->o, a, n), (size_t)n * m->hidden);
    mem_free(normed), mem_free(q), mem_free(k), mem_free(v), mem_free(a);
    normed = plain_norm(l->ffn_norm, x, n, m->eps);
    double *gate = plain_product(p, l->gate, normed, n), *up = plain_product(p, l->up, normed, n);
    for (size_t i = 0; i < (size_t)n * m->ff; i++) gate[i] *= up[i] / (1 + exp(-gate[i]));
    plain_add(x, plain_product(p, l->down, gate, n), (size_t)n * m->hidden);
    mem_free(normed), mem_free(gate), mem_free(up);
}

/* Logits (n, vocab) of n tokens; the caller frees them. */
static inline double *plain_llama(const struct plain *p, const int *tokens, int n) {
    const struct model *m = p->m;
    double *x = tiny_alloc((size_t)n * m->hidden, sizeof *x);
    float *row = tiny_alloc((size_t)m->hidden, sizeof *row);
    for (int i = 0; i < n; i++) {
        tensor_row(m->embedding, (uint64_t)tokens[i], row);
        for (int c = 0; c < m->hidden; c++) x[i * m->hidden + c] = row[c];
    }
    for (int i = 0; i < m->layers; i++) plain_layer(p, &m->layer[i], x, n);
    double *normed = plain_norm(m->output_norm, x, n, m->eps), *logits = plain_product(p, m->output, normed, n);
    mem_free(x), mem_free(row), mem_free(normed);
    return logits;
}

#endif
