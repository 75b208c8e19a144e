/* drafter.c - the registry of drafters and the reading of a drafter's spec.
 *
 *   [name@]kind[=PATH][,key=value...]      small@model=draft.gguf,vocab=8192
 *
 * The head runs to the first ',': so a PATH holds no comma, but may hold '@' and '='. */
#include "core/drafter.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

#define DRAFTER(name) extern const struct drafter_type drafter_##name;
#include "core/drafters.h"
#undef DRAFTER

const struct drafter_type *const drafter_types[] = {
#define DRAFTER(name) &drafter_##name,
#include "core/drafters.h"
#undef DRAFTER
    NULL,
};

const struct drafter_type *drafter_type_find(const char *kind) {
    for (int i = 0; drafter_types[i]; i++)
        if (!strcmp(drafter_types[i]->name, kind)) return drafter_types[i];
    return NULL;
}

struct piece { // a part of the spec
    const char *at;
    int n;
};

static bool piece_is(struct piece p, const char *word) {
    return strlen(word) == (size_t)p.n && !memcmp(word, p.at, (size_t)p.n);
}

/* "a, b, c" for the error texts. */
static void list_add(char *list, size_t size, const char *word, const char *between) {
    size_t n = strlen(list);
    snprintf(list + n, size - n, "%s%s", n ? between : "", word);
}

static int find_type(struct drafter *d, struct piece kind, const char *spec, struct err *err) {
    char known[256] = "";
    for (int i = 0; drafter_types[i]; i++) {
        if (piece_is(kind, drafter_types[i]->name)) {
            d->type = drafter_types[i];
            return 0;
        }
        list_add(known, sizeof known, drafter_types[i]->name, ", ");
    }
    return err_set(err, "unknown kind of drafter '%.*s' in '%s' (known: %s)", kind.n, kind.at, spec, known);
}

static int set_name(struct drafter *d, struct piece name, const char *spec, struct err *err) {
    if (name.n < 1 || name.n >= DRAFTER_NAME)
        return err_set(err, "drafter name '%.*s' in '%s' wants 1 to %d characters", name.n, name.at, spec, DRAFTER_NAME - 1);
    for (int i = 0; i < name.n; i++)
        if (!isalnum((unsigned char)name.at[i]) && !strchr("_-.", name.at[i]))
            return err_set(err, "drafter name '%.*s' in '%s' wants letters, digits, '_', '-' and '.' only", name.n, name.at, spec);
    if (piece_is(name, "plain"))
        return err_set(err, "drafter name 'plain' in '%s' is taken: it means decoding without a drafter", spec);
    memcpy(d->name, name.at, (size_t)name.n); // the rest is zero: drafter_open cleared it
    return 0;
}

/* "recent|first": sets the index of the word, or fails. */
static int find_word(const char *words, struct piece value, double *index) {
    *index = 0;
    for (const char *at = words;; (*index)++) {
        size_t n = strcspn(at, "|");
        if (n == (size_t)value.n && !memcmp(at, value.at, n)) return 0;
        if (!at[n]) return -1;
        at += n + 1;
    }
}

static int read_number(struct piece value, double *number) {
    char text[64], *end;
    if (value.n < 1 || value.n >= (int)sizeof text || isspace((unsigned char)value.at[0])) return -1;
    memcpy(text, value.at, (size_t)value.n);
    text[value.n] = 0;
    *number = strtod(text, &end);
    return *end || !isfinite(*number) ? -1 : 0;
}

static int set_param(struct drafter *d, struct piece key, struct piece value, const char *spec, bool *seen, struct err *err) {
    char known[256] = "";
    const struct drafter_param *table = d->type->params;
    int i = 0;
    while (table[i].name && !piece_is(key, table[i].name)) list_add(known, sizeof known, table[i++].name, ", ");
    const struct drafter_param *p = &table[i];
    if (!p->name)
        return err_set(err, "drafter '%s' has no option '%.*s' in '%s' (known: %s)",
                         d->type->name, key.n, key.at, spec, *known ? known : "none");
    if (seen[i]) return err_set(err, "option '%s' stands twice in drafter '%s'", p->name, spec);
    seen[i] = true;
    if (p->text) return (d->text[i] = mem_text(value.at, (size_t)value.n, err)) ? 0 : ERR_FAILED;
    if (p->words) {
        if (find_word(p->words, value, &d->param[i]))
            return err_set(err, "option '%s' of drafter '%s' wants one of %s, got '%.*s'", p->name, spec, p->words, value.n, value.at);
    } else if (read_number(value, &d->param[i]) || d->param[i] < p->lo || d->param[i] > p->hi)
        return err_set(err, "option '%s' of drafter '%s' wants a number from %g to %g, got '%.*s'",
                         p->name, spec, p->lo, p->hi, value.n, value.at);
    return 0;
}

static int set_params(struct drafter *d, const char *at, const char *spec, struct err *err) {
    bool seen[DRAFTER_PARAMS] = {false};
    for (int i = 0; d->type->params[i].name; i++) d->param[i] = d->type->params[i].value;
    while (*at == ',') {
        struct piece key = {at + 1, (int)strcspn(at + 1, ",=")};
        const char *equals = key.at + key.n;
        if (*equals != '=')
            return err_set(err, "option '%.*s' in drafter '%s' wants key=value", key.n, key.at, spec);
        struct piece value = {equals + 1, (int)strcspn(equals + 1, ",")};
        if (set_param(d, key, value, spec, seen, err)) return ERR_FAILED;
        at = value.at + value.n;
    }
    return 0;
}

/* %g, with more digits only where they are needed to read back the same double. */
static void number_text(char text[32], double value) {
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, value);
        if (strtod(text, NULL) == value) return;
    }
}

static void write_options(struct drafter *d) {
    for (int i = 0; d->type->params[i].name; i++) {
        const struct drafter_param *p = &d->type->params[i];
        char number[32], word[256];
        if (p->text && !d->text[i]) continue;
        const char *at = p->words;
        for (int skip = (int)d->param[i]; p->words && skip > 0; skip--) at = strchr(at, '|') + 1;
        if (p->text) snprintf(word, sizeof word, "%s=%s", p->name, d->text[i]);
        else if (p->words) snprintf(word, sizeof word, "%s=%.*s", p->name, (int)strcspn(at, "|"), at);
        else {
            number_text(number, d->param[i]);
            snprintf(word, sizeof word, "%s=%s", p->name, number);
        }
        list_add(d->options, sizeof d->options, word, ",");
    }
}

static int read_spec(struct drafter *d, const char *spec, struct err *err) {
    size_t head = strcspn(spec, ","), kind_end = strcspn(spec, ",=");
    const char *at = memchr(spec, '@', kind_end);
    const char *start = at ? at + 1 : spec;
    struct piece kind = {start, (int)(spec + kind_end - start)};
    if (find_type(d, kind, spec, err)) return ERR_FAILED;
    struct piece name = at ? (struct piece){spec, (int)(at - spec)} : kind;
    if (set_name(d, name, spec, err)) return ERR_FAILED;
    if (spec[kind_end] == '=') {
        if (head == kind_end + 1) return err_set(err, "drafter '%s' wants a path after '='", spec);
        d->path = mem_text(spec + kind_end + 1, head - kind_end - 1, err);
        if (!d->path) return ERR_FAILED;
    }
    if (set_params(d, spec + head, spec, err)) return ERR_FAILED;
    write_options(d);
    return 0;
}

int drafter_open(struct drafter *d, const char *spec, struct err *err) {
    *d = (struct drafter){0};
    int rc = read_spec(d, spec, err);
    if (rc == 0) rc = d->type->open(d, err);
    if (rc) drafter_close(d);
    return rc;
}

int drafter_open_twin(struct drafter *d, struct drafter *first, struct err *err) {
    *d = (struct drafter){.type = first->type, .twin = first};
    memcpy(d->name, first->name, sizeof d->name);
    memcpy(d->param, first->param, sizeof d->param);
    memcpy(d->options, first->options, sizeof d->options);
    int rc = first->path && !(d->path = mem_text(first->path, strlen(first->path), err)) ? ERR_FAILED : 0;
    for (int i = 0; !rc && i < DRAFTER_PARAMS; i++)
        if (first->text[i] && !(d->text[i] = mem_text(first->text[i], strlen(first->text[i]), err))) rc = ERR_FAILED;
    if (!rc) rc = d->type->open(d, err);
    if (rc) drafter_close(d);
    return rc;
}

int drafter_attach(struct drafter *d, const struct drafter_target *t, struct err *err) { return d->type->attach ? d->type->attach(d, t, err) : 0; }

void drafter_close(struct drafter *d) {
    if (d->type) d->type->close(d);
    mem_free(d->path);
    for (int i = 0; i < DRAFTER_PARAMS; i++) mem_free(d->text[i]);
    *d = (struct drafter){0};
}
