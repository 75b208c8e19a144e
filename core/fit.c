/* fit.c - see fit.h. */
#include "core/fit.h"

#include <stdio.h>
#include <string.h>

enum { CONTEXT_STEP = 256 };

static size_t matrix(const struct fit *f, const struct tensor *t, uint32_t quantize) {
    struct model as = *f->m;
    as.quantize = quantize;
    return t ? f->ops->size(f->b, model_type(&as, t), (int)t->ne[1], (int)t->ne[0]) : 0;
}

static size_t weights(const struct fit *f, uint32_t quantize) {
    const struct model *m = f->m, *share = f->share;
    size_t sum = matrix(f, m->fc, quantize);
    for (int i = 0; i < m->layers; i++) {
        const struct model_layer *l = &m->layer[i];
        const struct tensor *all[] = {l->q, l->k, l->v, l->o, l->gate, l->up, l->down};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) sum += matrix(f, all[k], quantize);
    }
    const bool tied = m->embedding == m->output && !f->outputs && (!quantize || quantize == m->output->type);
    if (!share || share->output != m->output || f->outputs) {
        size_t whole = matrix(f, m->output, quantize);
        sum += f->outputs ? whole / (size_t)m->output->ne[1] * (size_t)f->outputs : whole;
    }
    if (!tied && (!share || share->embedding != m->embedding)) sum += matrix(f, m->embedding, TENSOR_F32);
    return sum;
}

/* Of one position: keys and values of every layer and slot, and its rotary table. */
static size_t per_cell(const struct fit *f) {
    return (size_t)f->kv->layers * (size_t)f->kv->slots * (size_t)f->kv->heads * (size_t)f->kv->dim * 2 * f->ops->kv_bytes(f->b) + (size_t)f->kv->dim * sizeof(float);
}

/* Buffers of a pass and the backend's scratch beside them, which takes as much again. */
static size_t buffers(const struct fit *f) {
    const struct model *m = f->m;
    size_t columns = 4 * (size_t)m->hidden + 2 * (size_t)(m->heads + m->kv_heads) * (size_t)m->dim + 2 * (size_t)m->ff + (m->fc ? 2 * (size_t)m->hidden : 0)
                   + (f->outputs ? (size_t)f->outputs : (size_t)m->vocab);
    return 2 * (size_t)f->rows * columns * sizeof(float);
}

static size_t total(const struct fit *f, uint32_t quantize, int context) {
    return weights(f, quantize) + buffers(f) + per_cell(f) * (size_t)(context + f->rows);
}

size_t fit_bytes(const struct fit *f) { return total(f, f->m->quantize, f->context); }

static bool floats(const struct model *m) {
    const uint32_t type = m->layer[0].q->type;
    return !m->quantize && (type == TENSOR_F32 || type == TENSOR_F16 || type == TENSOR_BF16);
}

int fit_check(const struct fit *f, struct err *err) {
    if (!f->ops->room) return 0;
    const size_t room = f->ops->room(f->b), need = fit_bytes(f), rest = total(f, f->m->quantize, 0);
    const double gib = 0x1p30;
    char way[128] = "";
    if (need <= room) return 0;
    size_t context = rest < room ? (room - rest) / per_cell(f) / CONTEXT_STEP * CONTEXT_STEP : 0;
    if (context && context < (size_t)f->context) snprintf(way, sizeof way, "use --max-context %zu", context);
    static const struct { const char *name; uint32_t type; } smaller[] = {{"q8_0", TENSOR_Q8_0}, {"q4_0", TENSOR_Q4_0}};
    for (size_t i = 0; floats(f->m) && i < sizeof smaller / sizeof *smaller; i++)
        if (total(f, smaller[i].type, f->context) <= room) {
            snprintf(way + strlen(way), sizeof way - strlen(way), "%s --quantize %s", *way ? " or" : "use", smaller[i].name);
            break;
        }
    return err_set(err, "'%s' needs %.1f GiB on the device, %.1f GiB free: %s", f->m->name, (double)need / gib, (double)room / gib,
                   *way ? way : "no shorter context would do, a smaller model or type is needed");
}
