/* arms.c - see arms.h. A word is "plain", "drafter:list" or "drafter:stop(rule)", a list is "1-4,8". */
#include "policies/arms.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

struct offer { // what the words may choose from
    const char *const *drafters; // (D)
    int D, L;
};

/* "plain, pld:1-8, eagle:1-8" */
static const char *offer_text(const struct offer *o, char *text, size_t size) {
    size_t n = (size_t)snprintf(text, size, "plain");
    for (int d = 0; d < o->D && n < size; d++)
        n += (size_t)snprintf(text + n, size - n, ", %s:1-%d", o->drafters[d], o->L);
    return text;
}

static int reject(const struct offer *o, const char *word, const char *why, struct err *err) {
    char text[512];
    return err_set(err, "arm '%s' %s (on offer: %s)", word, why, offer_text(o, text, sizeof text));
}

static void add(struct arms *arms, const struct offer *o, int drafter, int gamma) {
    if (gamma == 0) drafter = -1;
    for (int i = 0; i < arms->K; i++)
        if (arms->at[i].drafter == drafter && arms->at[i].gamma == gamma && !arms->at[i].stop.rule) return;
    struct arm *arm = &arms->at[arms->K++];
    arm->drafter = drafter;
    arm->gamma = gamma;
    if (gamma == 0) snprintf(arm->name, sizeof arm->name, "plain");
    else snprintf(arm->name, sizeof arm->name, "%s:%d", o->drafters[drafter], gamma);
    if (gamma > arms->L) arms->L = gamma;
}

/* Digits only: strtol alone would take "+4", " 4" and "-4". */
static const char *parse_gamma(const char *at, int *gamma) {
    char *end;
    if (*at < '0' || *at > '9') return NULL;
    long value = strtol(at, &end, 10);
    *gamma = value > ARM_GAMMA_MAX ? ARM_GAMMA_MAX + 1 : (int)value;
    return end;
}

static const struct { const char *name; char sense; enum stop_rule rule; double lo, hi; } rules[] = {
    {"entropy", '>', STOP_ENTROPY, 0, 100}, {"maxprob", '<', STOP_MAXPROB, 0, 1}, {"svip", '>', STOP_SVIP, 0, 10}, {"adaedl", '<', STOP_ADAEDL, 0, 1},
};

enum { RULE_GAMMA = 8 }; // without max=
static const char *const rule_help = "wants stop(entropy>h), stop(maxprob<p), stop(svip>h) or stop(adaedl<l), each with ,max=N or without (8)";

/* "entropy>1.5,max=6)" */
static int read_rule(struct arm *arm, const char *at, int L) {
    char *end;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        size_t n = strlen(rules[i].name);
        if (strncmp(at, rules[i].name, n) || at[n] != rules[i].sense || ((at[n + 1] < '0' || at[n + 1] > '9') && at[n + 1] != '.')) continue;
        arm->stop.rule = rules[i].rule, arm->stop.threshold = strtod(at + n + 1, &end);
        if (!(arm->stop.threshold >= rules[i].lo && arm->stop.threshold <= rules[i].hi)) return -1;
        arm->gamma = L < RULE_GAMMA ? L : RULE_GAMMA;
        if (!strncmp(end, ",max=", 5)) {
            if (!(end = (char *)parse_gamma(end + 5, &arm->gamma))) return -1;
            if (arm->gamma < 1 || arm->gamma > L) return -1;
        }
        return strcmp(end, ")") ? -1 : 0;
    }
    return -1;
}

static int add_rule(struct arms *arms, const struct offer *o, const char *word, int drafter, const char *rule, struct err *err) {
    struct arm arm = {.drafter = drafter};
    if (read_rule(&arm, rule, o->L)) return reject(o, word, rule_help, err);
    if (strlen(word) >= sizeof arm.name) return reject(o, word, "has a name that is too long", err);
    snprintf(arm.name, sizeof arm.name, "%s", word);
    int slot = 0;
    for (int i = 0; i < arms->K; i++) {
        if (!strcmp(arms->at[i].name, word)) return 0;
        slot += arms->at[i].stop.rule != STOP_NEVER;
    }
    if (slot == STOPS) return reject(o, word, "is one stopping rule too many", err);
    arm.stop.slot = slot;
    arms->at[arms->K++] = arm;
    if (arm.gamma > arms->L) arms->L = arm.gamma;
    return 0;
}

static int add_word(struct arms *arms, const struct offer *o, const char *word, struct err *err) {
    if (!strcmp(word, "plain")) {
        add(arms, o, -1, 0);
        return 0;
    }
    const char *rule = strstr(word, ":stop("), *colon = rule ? rule : strrchr(word, ':');
    if (!colon) return reject(o, word, "has no draft length", err);
    int drafter = 0;
    size_t n = (size_t)(colon - word);
    while (drafter < o->D && (strlen(o->drafters[drafter]) != n || strncmp(o->drafters[drafter], word, n))) drafter++;
    if (drafter == o->D) return reject(o, word, "names no drafter", err);
    if (rule) return add_rule(arms, o, word, drafter, rule + strlen(":stop("), err);
    for (const char *at = colon; *at; ) { // at a ':' or a ','
        int low, high;
        if (!(at = parse_gamma(at + 1, &low))) return reject(o, word, "wants draft lengths such as 4, 1-8 or 2,4,8", err);
        high = low;
        if (*at == '-' && !(at = parse_gamma(at + 1, &high))) return reject(o, word, "has an open range", err);
        if (*at && *at != ',') return reject(o, word, "wants draft lengths such as 4, 1-8 or 2,4,8", err);
        if (high < low) return reject(o, word, "has a range that runs backwards", err);
        if (high > o->L) return reject(o, word, "drafts more than is on offer", err);
        for (int gamma = low; gamma <= high; gamma++) add(arms, o, drafter, gamma);
    }
    return 0;
}

static int add_words(struct arms *arms, const struct offer *o, const char *words, struct err *err) {
    char *copy = mem_text(words, strlen(words), err), *rest = NULL;
    if (!copy) return ERR_FAILED;
    int rc = 0;
    for (char *word = strtok_r(copy, " \t\n", &rest); word && !rc; word = strtok_r(NULL, " \t\n", &rest))
        rc = add_word(arms, o, word, err);
    mem_free(copy);
    return rc;
}

static void add_default(struct arms *arms, const struct offer *o) {
    add(arms, o, -1, 0);
    for (int d = 0; d < o->D; d++)
        for (int gamma = o->L < 2 ? 1 : 2; gamma <= 8 && gamma <= o->L; gamma *= 2) add(arms, o, d, gamma);
}

int arms_parse(struct arms *arms, const char *const *words, int n, const char *const *drafters, int D, int L, struct err *err) {
    struct offer offer = {drafters, D, L < ARM_GAMMA_MAX ? L : ARM_GAMMA_MAX};
    *arms = (struct arms){.L = 1};
    assert(D >= 0 && L >= 0);
    for (int d = 0; d < D; d++)
        if (strlen(drafters[d]) > ARM_NAME - sizeof ":64")
            return err_set(err, "drafter name '%s' is longer than %d bytes", drafters[d], (int)(ARM_NAME - sizeof ":64"));
    // Every arm counts once, so there are never more than these.
    arms->at = mem_alloc(1 + STOPS + (size_t)D * ARM_GAMMA_MAX, sizeof *arms->at, "arms", err);
    if (!arms->at) return ERR_FAILED;
    for (int i = 0; i < n; i++) {
        int rc = add_words(arms, &offer, words[i], err);
        if (rc) {
            arms_close(arms);
            return rc;
        }
    }
    if (!arms->K) add_default(arms, &offer);
    return 0;
}

void arms_close(struct arms *arms) {
    mem_free(arms->at);
    *arms = (struct arms){0};
}

int arms_find(const struct arm *arms, int K, const char *name) {
    for (int i = 0; i < K; i++)
        if (!strcmp(arms[i].name, name)) return i;
    char *end;
    if (*name < '0' || *name > '9') return -1;
    long number = strtol(name, &end, 10);
    return *end || number >= K ? -1 : (int)number;
}
