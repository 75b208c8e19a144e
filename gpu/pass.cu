/* pass.cu - one forward pass: its rows go to the device in one copy, and a pass of a known kind is one launch of a CUDA graph.
 *
 * A pass is known by its owner, its rows, how many of them want logits, and the runs its attention falls into (pass_key): all else that
 * differs lies in the staged rows, at fixed addresses. Contexts need no part in it: attention always launches ATTENTION_PARTS parts a head and
 * blocks of parts beyond the context leave at once. The first pass of a kind runs operation by operation, the second is captured, and from
 * then on it is launched whole. */
#include "gpu/state.h"

#include <string.h>

/* One block a pass, on the host and on the device: rows' numbers, path_at, runs, features, chosen tokens and, last and of any length, the paths. */
struct layout { size_t numbers, path_at, run, feature, chosen, path, bytes; };

static struct layout layout_of(int rows) {
    const size_t n = (size_t)rows;
    struct layout l;
    l.numbers = 0;
    l.path_at = 6 * n * sizeof(int);
    l.run = l.path_at + (n + 4) / 4 * 4 * sizeof(int);
    l.feature = (l.run + n * sizeof(struct run) + 7) / 8 * 8;
    l.chosen = l.feature + n * sizeof(float *);
    l.path = l.chosen + n * sizeof(struct chosen *);
    l.bytes = l.path + n * (n + 1) / 2 * sizeof(int);
    return l;
}

static void free_stages(struct backend *b) {
    for (int i = 0; i < RING; i++) {
        cudaFreeHost(b->stage[i]);
        b->stage[i] = NULL;
    }
}

int pass_reserve(struct backend *b, int rows, struct err *err) {
    const size_t bytes = layout_of(rows).bytes;
    free_stages(b);
    memory_free(b, b->staged);
    if (!(b->staged = (char *)memory_alloc(b, bytes, 1, "rows of a pass", err))) return -1;
    for (int i = 0; i < RING; i++)
        if (cudaMallocHost((void **)&b->stage[i], bytes)) return err_set(err, "CUDA device %d: no pinned memory", b->device);
    return 0;
}

void pass_forget(struct backend *b) {
    for (int i = 0; i < b->graphs; i++)
        if (b->graph[i].exec) cudaGraphExecDestroy(b->graph[i].exec);
    b->graphs = 0;
}

void pass_close(struct backend *b) {
    pass_forget(b);
    free_stages(b);
}

/* Rows of one slot and one part length in even runs of at most `most` rows; returns how many. */
static int split_runs(const struct batch *r, int most, struct run *run, int *longest) {
    int runs = 0;
    *longest = 0;
    for (int i = 0, end; i < r->n; i = end) {
        const int part = attention_part(r->prefix[i] + r->path_at[i + 1] - r->path_at[i]);
        for (end = i + 1; end < r->n && r->slot[end] == r->slot[i] && attention_part(r->prefix[end] + r->path_at[end + 1] - r->path_at[end]) == part;) end++;
        const int parts = (end - i + most - 1) / most;
        for (int p = 0; p < parts; p++) {
            struct run *x = &run[runs++];
            x->from = i + (int)((long)(end - i) * p / parts);
            x->n = i + (int)((long)(end - i) * (p + 1) / parts) - x->from;
            x->part = part, x->shared = 0;
            bool chain = true;
            for (int k = x->from; k < x->from + x->n; k++) {
                const int keys = r->prefix[k] + r->path_at[k + 1] - r->path_at[k];
                chain = chain && (keys == r->prefix[k] || r->path[r->path_at[k + 1] - 1] + 1 == keys);
                x->shared = keys > x->shared ? keys : x->shared;
            }
            if (!chain) x->shared = r->prefix[x->from];
            *longest = x->n > *longest ? x->n : *longest;
        }
    }
    return runs;
}

/* Copies the rows to the device; b->rows_now is what kernels are told. */
static void stage(struct backend *b, const struct kv *kv, const struct batch *r) {
    const struct layout l = layout_of(b->rows);
    char *to = b->stage[b->turn];
    if (failed(b, cudaEventSynchronize(b->copied[b->turn]), "waiting for a pass")) return; // its copy of RING passes ago
    const int *from[] = {r->token, r->slot, r->pos, r->cell, r->prefix, r->pick};
    const size_t n = (size_t)r->n, all = (size_t)b->rows, paths = (size_t)r->path_at[r->n];
    for (int i = 0; i < 6; i++)
        if (from[i]) memcpy(to + (size_t)i * all * sizeof(int), from[i], (i == 5 ? (size_t)r->wanted : n) * sizeof(int));
    memcpy(to + l.path_at, r->path_at, (n + 1) * sizeof(int));
    memcpy(to + l.path, r->path, paths * sizeof(int));
    if (r->feature) memcpy(to + l.feature, r->feature, n * sizeof *r->feature);
    if (r->chosen) memcpy(to + l.chosen, r->chosen, n * sizeof *r->chosen);
    else memset(to + l.chosen, 0, n * sizeof *r->chosen); // always there: a graph serves passes with and without
    const int runs = kv ? split_runs(r, kv->run_rows, (struct run *)(to + l.run), &b->longest) : 0;
    failed(b, cudaMemcpyAsync(b->staged, to, l.path + paths * sizeof(int), cudaMemcpyHostToDevice, b->stream), "copying rows");
    failed(b, cudaEventRecord(b->copied[b->turn], b->stream), "copying rows");
    b->turn = (b->turn + 1) % RING;
    const int *d = (const int *)b->staged;
    b->rows_now = {r->n, r->wanted, runs, d, d + all, d + 2 * all, d + 3 * all, d + 4 * all, d + 5 * all, (const int *)(b->staged + l.path_at),
                   (const int *)(b->staged + l.path), (const struct chosen *const *)(b->staged + l.chosen), r->feature ? (const float *const *)(b->staged + l.feature) : NULL, (const struct run *)(b->staged + l.run)};
}

static bool same(const struct pass_key *a, const struct pass_key *b) {
    return a->owner == b->owner && a->n == b->n && a->wanted == b->wanted && a->runs == b->runs && a->longest == b->longest;
}

bool pass_begin(struct backend *b, const void *owner, const void *kv, const struct batch *rows) {
    b->has_moments = false, b->capturing = 0;
    if (b->failed.text[0]) return false;
    stage(b, (const struct kv *)kv, rows);
    if (!owner || !b->use_graphs || b->failed.text[0]) return false;
    const struct pass_key key = {owner, rows->n, rows->wanted, b->rows_now.runs, b->longest};
    int i = 0;
    while (i < b->graphs && !same(&b->graph[i].key, &key)) i++;
    if (i == b->graphs) {
        if (i < GRAPHS) b->graph[b->graphs++] = {key, NULL};
        return false;
    }
    if (b->graph[i].exec) {
        b->replays++;
        failed(b, cudaGraphLaunch(b->graph[i].exec, b->stream), "starting a pass");
        return true;
    }
    if (cudaStreamBeginCapture(b->stream, cudaStreamCaptureModeRelaxed)) b->use_graphs = false, cudaGetLastError();
    else b->capturing = i + 1;
    return false;
}

/* What was captured has not run yet: launched, or (where the capture failed) called again by the caller. */
bool pass_end(struct backend *b) {
    cudaGraph_t graph = NULL;
    if (!b->capturing) {
        failed(b, cudaPeekAtLastError(), "a pass");
        return true;
    }
    struct pass_graph *g = &b->graph[b->capturing - 1];
    b->capturing = 0;
    cudaError_t e = cudaStreamEndCapture(b->stream, &graph);
    if (!e && graph) e = cudaGraphInstantiate(&g->exec, graph, 0);
    if (graph) cudaGraphDestroy(graph);
    if (e || !g->exec) {
        g->exec = NULL, b->use_graphs = false;
        cudaGetLastError();
        b->failed.text[0] = 0; // whatever capturing itself refused
        return failed(b, cudaPeekAtLastError(), "a pass"); // gone for good: no use in trying again
    }
    failed(b, cudaGraphLaunch(g->exec, b->stream), "starting a pass");
    return true;
}
