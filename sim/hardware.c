/* hardware.c - see hardware.h. */
#include "sim/hardware.h"

#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/map.h"

struct machine {
    double bandwidth, flops; // bytes and operations a second
};

struct part { // the target, or a drafter that runs a model
    double weights, parameters, kv, launch;
};

static double pass(const struct machine *m, const struct part *p, int rows) {
    double memory = p->weights / m->bandwidth, compute = 2 * p->parameters * rows / m->flops;
    return p->launch + (memory > compute ? memory : compute);
}

/* A key that means nothing here is a misspelt one, and its default would be taken in silence. `known` ends with a null. */
static int check_keys(const json_t *o, const char *path, const char *const *known, const char *listed, struct err *err) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)o, key, value) {
        int i = 0;
        while (known[i] && strcmp(known[i], key)) i++;
        if (!known[i]) return err_set(err, "unknown key '%s' in '%s' (known: %s)", key, path, listed);
    }
    return 0;
}

static int read_part(const json_t *o, const char *path, struct part *p, struct err *err) {
    static const char *const known[] = {"weights_gb", "parameters_b", "kv_bytes_a_token", "launch_us", NULL};
    double gb, billions, us;
    if (check_keys(o, path, known, "weights_gb, parameters_b, kv_bytes_a_token, launch_us; of a drafter us_per_token instead", err)
        || json_get_real(o, path, "weights_gb", true, 0, 0, 1e6, &gb, err) || json_get_real(o, path, "parameters_b", true, 0, 0, 1e6, &billions, err)
        || json_get_real(o, path, "kv_bytes_a_token", false, 0, 0, 1e12, &p->kv, err) || json_get_real(o, path, "launch_us", false, 0, 0, 1e9, &us, err))
        return ERR_FAILED;
    p->weights = gb * 1e9, p->parameters = billions * 1e9, p->launch = us / 1e6;
    if (p->weights > 0 || p->launch > 0) return 0;
    return err_set(err, "a pass takes no time in '%s': expected 'weights_gb' or 'launch_us' above 0", path);
}

static int take_drafter(struct cost *c, const struct machine *m, int d, const char *name, const json_t *o, const char *path, struct err *err) {
    static const char *const known[] = {"us_per_token", NULL};
    struct cost_draft *to = &c->draft[d];
    double us;
    struct part p;
    if (json_object_get(o, "us_per_token")) {
        if (check_keys(o, path, known, "us_per_token, which stands alone", err) || json_get_real(o, path, "us_per_token", true, 0, 0, 1e9, &us, err))
            return err_add(err, " (drafter '%s')", name);
        to->b = us / 1e6;
        return 0;
    }
    if (read_part(o, path, &p, err)) return err_add(err, " (drafter '%s')", name);
    to->b = pass(m, &p, 1);
    to->c = p.kv / m->bandwidth;
    to->together = true;
    for (int k = 0; k < COST_CATCH_UPS; k++) to->catch_up[k] = pass(m, &p, 1 << k) - to->b;
    return 0;
}

static int parse(struct cost *c, const struct trace *t, const char *path, const json_t *root, struct err *err) {
    static const char *const known[] = {"name", "bandwidth_gb_s", "tflop_s", "target", "drafters", NULL};
    struct machine m;
    struct part target;
    const char *name;
    double gb, tera;
    const json_t *part = json_object_get(root, "target"), *drafters = json_object_get(root, "drafters");
    if (check_keys(root, path, known, "name, bandwidth_gb_s, tflop_s, target, drafters", err)
        || json_get_text(root, path, "name", false, path, &name, err) || json_get_real(root, path, "bandwidth_gb_s", true, 0, 1e-6, 1e9, &gb, err)
        || json_get_real(root, path, "tflop_s", true, 0, 1e-6, 1e9, &tera, err)) return ERR_FAILED;
    if (!json_is_object(part)) return err_set(err, "'%s' has no object 'target'", path);
    m = (struct machine){gb * 1e9, tera * 1e12};
    if (read_part(part, path, &target, err)) return err_add(err, " (target)");
    snprintf(c->name, sizeof c->name, "%s", name);
    c->launch = target.launch, c->weights = target.weights / m.bandwidth, c->row = 2 * target.parameters / m.flops;
    for (int w = 1; w < COST_WIDTHS; w++) c->base[w] = pass(&m, &target, w), c->slope[w] = target.kv / m.bandwidth;
    for (int d = 0; d < t->D; d++) {
        const json_t *o = json_object_get(drafters, t->drafters[d].name);
        if (!json_is_object(o)) return err_set(err, "'%s' does not name drafter '%s' of '%s' among its 'drafters'", path, t->drafters[d].name, t->path);
        if (take_drafter(c, &m, d, t->drafters[d].name, o, path, err)) return ERR_FAILED;
    }
    return 0;
}

int hardware_parse(struct cost *c, const struct trace *t, const char *path, const char *text, size_t n, struct err *err) {
    if (t->D > COST_DRAFTERS) return err_set(err, "recording in '%s' has %d drafters, the cost model holds %d", t->path, t->D, COST_DRAFTERS);
    json_t *root = json_parse(path, text, n, err);
    if (!root) return ERR_FAILED;
    *c = (struct cost){.D = t->D, .kind = COST_HARDWARE};
    int rc = parse(c, t, path, root, err);
    json_decref(root);
    for (int d = 0; d < t->D; d++) c->draft[d].keeps = cost_keeps(&t->drafters[d]);
    return rc;
}

int hardware_load(struct cost *c, const struct trace *t, const char *path, struct err *err) {
    struct file_map m;
    if (file_map_open(&m, path, err)) return ERR_FAILED;
    int rc = hardware_parse(c, t, path, (const char *)m.bytes, m.size, err);
    file_map_close(&m);
    return rc;
}
