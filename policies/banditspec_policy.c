/* banditspec_policy.c - see banditspec_policy.h: agents behind a stable interface. The lock is here; policies know none. */
#include "policies/banditspec_policy.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "core/mem.h"
#include "policies/policy.h"
#include "policies/state_file.h"

enum { REQUESTS = 4096, DRAFTERS = 256 };

#define SAME(flag) ((int)BSP_##flag == (int)POLICY_##flag)
_Static_assert(SAME(RANDOM) && SAME(SECONDS) && SAME(PEEK) && SAME(ALL) && SAME(SIGNAL) && SAME(MARGIN) && SAME(BATCH),
    "flags are the same on both sides");
_Static_assert(sizeof(struct bsp_peek) == sizeof(struct peek), "passed on as they are");

struct request {
    uint32_t sequence, round;
    struct stop_state stop[STOPS];
};

struct bsp_policy {
    pthread_mutex_t lock;
    struct arms arms;
    struct problem problem;
    struct agent agent;
    uint64_t seed;
    uint32_t passes;         // bsp_share so far
    int R;
    struct request *request; // (R)
    struct view *views;      // (R) scratch of bsp_share
    int *requests, *shared;  // (R)
};

static _Thread_local struct err last;

const char *bsp_error(void) { return last.text; }
const char *bsp_version(void) { return VERSION; }
int bsp_api(void) { return BSP_API; }

/* -- create and free -- */

/* The words of `text`, cut up in place; their number, or -1. */
static int split(char *text, const char **words, int most) {
    int n = 0;
    char *rest = NULL;
    for (char *word = strtok_r(text, " \t\n", &rest); word; word = strtok_r(NULL, " \t\n", &rest)) {
        if (n == most) return err_set(&last, "more than %d drafters", most);
        for (int i = 0; i < n; i++)
            if (!strcmp(words[i], word)) return err_set(&last, "two drafters are called '%s'", word);
        words[n++] = word;
    }
    return n;
}

static int setup(struct bsp_policy *p, const char *spec, char *drafters, int max_draft, const char *arms) {
    const char *names[DRAFTERS];
    int D = split(drafters, names, DRAFTERS);
    if (D < 0 || arms_parse(&p->arms, &arms, arms ? 1 : 0, names, D, max_draft, &last)) return -1;
    p->problem = (struct problem){.K = p->arms.K, .D = D, .L = p->arms.L, .arms = p->arms.at, .R = p->R};
    if (agent_open(&p->agent, spec, &p->problem, &last)) return -1;
    size_t R = (size_t)p->R;
    bool good = (p->request = mem_alloc(R, sizeof *p->request, "requests", &last))
        && (p->views = mem_alloc(R, sizeof *p->views, "requests", &last))
        && (p->requests = mem_alloc(R, sizeof *p->requests, "requests", &last))
        && (p->shared = mem_alloc(R, sizeof *p->shared, "requests", &last));
    return good ? 0 : -1;
}

bsp_policy *bsp_create(const char *spec, const char *drafters, int max_draft, const char *arms, int requests, uint64_t seed) {
    if (!spec) return err_set(&last, "a policy wants a spec such as 'thompson', got none"), NULL;
    if (max_draft < 1 || max_draft > ARM_GAMMA_MAX)
        return err_set(&last, "largest draft %d, expected 1 to %d", max_draft, ARM_GAMMA_MAX), NULL;
    if (requests < 1 || requests > REQUESTS) return err_set(&last, "%d requests, expected 1 to %d", requests, REQUESTS), NULL;
    struct bsp_policy *p = mem_alloc(1, sizeof *p, "a policy", &last);
    if (!p) return NULL;
    pthread_mutex_init(&p->lock, NULL);
    p->seed = seed, p->R = requests;
    if (!drafters) drafters = "";
    char *names = mem_text(drafters, strlen(drafters), &last);
    int rc = names ? setup(p, spec, names, max_draft, arms) : -1;
    mem_free(names);
    if (!rc) return p;
    bsp_free(p);
    return NULL;
}

void bsp_free(bsp_policy *p) {
    if (!p) return;
    agent_close(&p->agent);
    arms_close(&p->arms);
    mem_free(p->request), mem_free(p->views), mem_free(p->requests), mem_free(p->shared);
    pthread_mutex_destroy(&p->lock);
    mem_free(p);
}

/* -- what it is: constant, so without the lock -- */

int bsp_arms(const bsp_policy *p) { return p->problem.K; }
const char *bsp_spec(const bsp_policy *p) { return p->agent.spec; }
unsigned bsp_asks(const bsp_policy *p) { return p->agent.policy->flags; }

static int check_arm(const struct bsp_policy *p, int arm) {
    return arm >= 0 && arm < p->problem.K ? 0 : err_set(&last, "arm %d, expected 0 to %d", arm, p->problem.K - 1);
}

static int check_request(const struct bsp_policy *p, int request) {
    return request >= 0 && request < p->R ? 0 : err_set(&last, "request %d, expected 0 to %d", request, p->R - 1);
}

/* A caller's struct, as far as it knows it; the rest is zero. `least` is what every version of it had. */
static int take(void *to, size_t size, const void *from, size_t least, const char *what) {
    uint32_t known;
    memcpy(&known, from, sizeof known);
    if (known < least) return err_set(&last, "a struct %s of %u bytes, expected at least %zu: set its size", what, known, least);
    memset(to, 0, size);
    memcpy(to, from, known < size ? known : size);
    return 0;
}

/* Of BSP_API 1, for ever. */
enum { ARM_LEAST = sizeof(struct bsp_arm), VIEW_LEAST = sizeof(struct bsp_view), ROUND_LEAST = sizeof(struct bsp_round) };

int bsp_arm(const bsp_policy *p, int arm, struct bsp_arm *out) {
    struct bsp_arm mine;
    if (take(&mine, sizeof mine, out, ARM_LEAST, "bsp_arm") || check_arm(p, arm)) return -1;
    const struct arm *x = &p->problem.arms[arm];
    out->drafter = x->drafter, out->gamma = x->gamma, out->name = x->name;
    out->asks = x->gamma && (p->agent.policy->deepen || x->stop.rule != STOP_NEVER);
    return 0;
}

/* -- rounds -- */

static int read_view(const struct bsp_policy *p, const void *from, struct view *v, int *request) {
    struct bsp_view x;
    unsigned flags = p->agent.policy->flags;
    if (take(&x, sizeof x, from, VIEW_LEAST, "bsp_view") || check_request(p, x.request)) return -1;
    if (x.pos < 0 || x.prompt_tokens < 0 || x.max_new < 0 || x.batch < 1)
        return err_set(&last,
            "a view at position %d of %d after %d prompt tokens in a batch of %d, expected no negative number and a batch of 1 or more",
                       x.pos, x.max_new, x.prompt_tokens, x.batch);
    if (!isfinite(x.margin)) return err_set(&last, "a view with margin %g, expected a finite number", (double)x.margin);
    if (flags & POLICY_PEEK && !x.peek) return err_set(&last, "policy '%s' asks what the copiers found: bsp_view.peek", p->agent.spec);
    for (int d = 0; x.peek && d < p->problem.D; d++)
        if (x.peek[d].proposed < -1 || x.peek[d].proposed > p->problem.L || x.peek[d].match < 0)
            return err_set(&last, "drafter %d found %d tokens after a match of %d, expected -1 to %d and 0 or more", d,
                x.peek[d].proposed, x.peek[d].match, p->problem.L);
    *v = (struct view){.pos = x.pos, .prompt_tokens = x.prompt_tokens, .max_new = x.max_new, .batch = x.batch, .margin = x.margin,
                       .peek = flags & POLICY_PEEK ? (const struct peek *)x.peek : NULL};
    *request = x.request;
    return 0;
}

int bsp_begin(bsp_policy *p, int request, uint32_t sequence) {
    if (check_request(p, request)) return -1;
    pthread_mutex_lock(&p->lock);
    p->request[request] = (struct request){.sequence = sequence};
    pthread_mutex_unlock(&p->lock);
    return 0;
}

int bsp_select(bsp_policy *p, const struct bsp_view *v) {
    const struct bsp_view nothing = {.size = sizeof nothing, .pos = 1, .batch = 1};
    struct view view;
    int request;
    if (read_view(p, v ? v : &nothing, &view, &request)) return -1;
    pthread_mutex_lock(&p->lock);
    struct request *x = &p->request[request];
    struct rng rng = rng_at(p->seed, p->agent.stream, x->sequence, x->round++);
    int arm = agent_choose(&p->agent, &view, &rng);
    pthread_mutex_unlock(&p->lock);
    return arm;
}

int bsp_deepen(bsp_policy *p, int request, int arm, int depth, float top_prob, float entropy) {
    if (check_request(p, request) || check_arm(p, arm)) return -1;
    const struct arm *x = &p->problem.arms[arm];
    if (depth < 1 || depth > x->gamma) return err_set(&last, "depth %d of arm '%s', expected 1 to %d", depth, x->name, x->gamma);
    if (!(top_prob >= 0 && top_prob <= 1) || !isfinite(entropy))
        return err_set(&last, "probability %g and entropy %g, expected 0 to 1 and finite", (double)top_prob, (double)entropy);
    const struct drafted token = {arm, depth, top_prob, entropy};
    pthread_mutex_lock(&p->lock);
    bool more = depth < x->gamma && !stop_after(&x->stop, &p->request[request].stop[x->stop.slot], top_prob, entropy)
        && agent_deepen(&p->agent, &token);
    pthread_mutex_unlock(&p->lock);
    return more;
}

int bsp_share(bsp_policy *p, const struct bsp_view *views, int n, int quota, int *arm) {
    const struct agent *a = &p->agent;
    if (!a->policy->share) return err_set(&last, "policy '%s' shares no quota (bsp_asks lacks BSP_BATCH)", a->spec);
    if (n < 1 || n > p->R || quota < 0)
        return err_set(&last, "a quota of %d for %d requests, expected 0 or more for 1 to %d", quota, n, p->R);
    pthread_mutex_lock(&p->lock);
    int rc = 0;
    for (int i = 0; !rc && i < n; i++) {
        rc = read_view(p, (const char *)views + (size_t)i * views->size, &p->views[i], &p->requests[i]);
        for (int k = 0; !rc && k < i; k++)
            if (p->requests[k] == p->requests[i]) rc = err_set(&last, "request %d is named twice in one batch", p->requests[i]);
    }
    if (!rc) {
        struct rng rng = rng_at(p->seed, a->stream, UINT32_MAX, p->passes++);
        a->policy->share(a->state, &p->problem, a->param, p->views, p->requests, n, quota, &rng, p->shared);
        for (int i = 0; i < n; i++) arm[i] = p->shared[i], p->request[p->requests[i]].round++;
    }
    pthread_mutex_unlock(&p->lock);
    return rc;
}

int bsp_update(bsp_policy *p, const struct bsp_round *r) {
    struct bsp_round x;
    if (take(&x, sizeof x, r, ROUND_LEAST, "bsp_round") || check_request(p, x.request) || check_arm(p, x.arm)) return -1;
    const struct arm *arm = &p->problem.arms[x.arm];
    if (x.gamma < 0 || x.gamma > arm->gamma || x.proposed < 0 || x.proposed > x.gamma || x.accepted < 0 || x.accepted > x.proposed)
        return err_set(&last,
            "a round of arm '%s' with gamma %d, %d proposed and %d accepted, expected %d >= gamma >= proposed >= accepted >= 0",
                       arm->name, x.gamma, x.proposed, x.accepted, arm->gamma);
    if (!(x.draft_s >= 0 && x.verify_s >= 0 && isfinite(x.draft_s) && isfinite(x.verify_s)))
        return err_set(&last, "a round that took %g and %g seconds, expected 0 or more", x.draft_s, x.verify_s);
    if (x.nodes < 0) return err_set(&last, "a round of %d nodes, expected 0 or more", x.nodes);
    const struct outcome o = {.arm = x.arm, .gamma = x.gamma, .proposed = x.proposed, .accepted = x.accepted, .emitted = x.accepted + 1,
                              .draft_s = x.draft_s, .verify_s = x.verify_s, .nodes = x.nodes, .request = x.request, .signal = x.signal};
    pthread_mutex_lock(&p->lock);
    stop_learn(&arm->stop, &p->request[x.request].stop[arm->stop.slot], x.proposed, x.accepted);
    agent_update(&p->agent, &o);
    pthread_mutex_unlock(&p->lock);
    return 0;
}

int bsp_learn_all(bsp_policy *p, int pos, const int *proposed, const int *accepted) {
    const struct agent *a = &p->agent;
    if (!(a->policy->flags & (POLICY_ALL | POLICY_PEEK)))
        return err_set(&last, "policy '%s' does not learn from drafts that were not played (bsp_asks lacks BSP_ALL and BSP_PEEK)", a->spec);
    for (int d = 0; d < p->problem.D; d++)
        if (!(proposed[d] == -1 && accepted[d] == -1)
            && (proposed[d] < 0 || proposed[d] > p->problem.L || accepted[d] < 0 || accepted[d] > proposed[d]))
            return err_set(&last, "drafter %d with %d proposed and %d accepted, expected %d >= proposed >= accepted >= 0", d,
                proposed[d], accepted[d], p->problem.L);
    const struct hindsight h = {pos, proposed, accepted};
    pthread_mutex_lock(&p->lock);
    if (a->policy->learn_all) a->policy->learn_all(a->state, &p->problem, a->param, &h);
    pthread_mutex_unlock(&p->lock);
    return 0;
}

/* -- what was learned -- */

int bsp_save(bsp_policy *p, const char *path) {
    pthread_mutex_lock(&p->lock);
    int rc = state_save(&p->agent, path, &last);
    pthread_mutex_unlock(&p->lock);
    return rc ? -1 : 0;
}

int bsp_load(bsp_policy *p, const char *path) {
    pthread_mutex_lock(&p->lock);
    int rc = state_load(&p->agent, path, &last);
    pthread_mutex_unlock(&p->lock);
    return rc ? -1 : 0;
}

int bsp_reset(bsp_policy *p) {
    pthread_mutex_lock(&p->lock);
    agent_reset(&p->agent);
    pthread_mutex_unlock(&p->lock);
    return 0;
}
