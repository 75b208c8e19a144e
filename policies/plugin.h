/* plugin.h - a policy as a shared object: one C file, one header, one line at its end.
 *
 *   #include <banditspec/plugin.h>
 *   ... state, select, update, and a const struct policy policy_mine ...
 *   POLICY_PLUGIN(policy_mine)
 *
 *   cc -shared -fPIC -O2 -I PREFIX/include -o mine.so mine.c
 *   banditspec replay --db run.db --policy-file mine.so --policy mine
 *
 * `make` leaves <banditspec/plugin.h> under build/include, `make install` under PREFIX/include: this file and those it
 * includes, in one piece. The functions they declare (err_set, rng_uniform, cost_seconds, ...) are the program's own and are found
 * when it loads the plug-in (on macOS link with -undefined dynamic_lookup). policies/examples/egreedy.c is a whole one.
 *
 * A plug-in is code and runs as the program does: load none that you would not run. */
#ifndef POLICIES_PLUGIN_H
#define POLICIES_PLUGIN_H

#include "policies/cost.h"
#include "policies/policy.h"

/* Raised when a plug-in built before would be misunderstood: a field, a method or a flag changed its meaning or place. */
#define POLICY_ABI 1

/* What both sides pass to each other; a plug-in carries their sizes, so that a forgotten POLICY_ABI is noticed. */
#define POLICY_STRUCTS(X) X(policy) X(param) X(problem) X(arm) X(view) X(peek) X(drafted) X(outcome) X(hindsight) X(rng) X(err) X(cost)

enum {
#define POLICY_COUNT(name) POLICY_HAS_##name,
    POLICY_STRUCTS(POLICY_COUNT)
#undef POLICY_COUNT
    POLICY_SIZES
};

struct policy_plugin {
    uint32_t abi; // first for ever: what follows is read only when it agrees
    uint32_t size[POLICY_SIZES];
    const struct policy *policy;
};

#define POLICY_SIZE_OF(name) sizeof(struct name),
#define POLICY_PLUGIN(p) \
    __attribute__((visibility("default"))) extern const struct policy_plugin banditspec_policy_plugin; \
    const struct policy_plugin banditspec_policy_plugin = {POLICY_ABI, {POLICY_STRUCTS(POLICY_SIZE_OF)}, &(p)};

#endif
