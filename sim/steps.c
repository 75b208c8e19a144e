/* steps.c - see steps.h. */
#include "sim/steps.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"

/* A field of RFC 4180: quoted only when it must be. Room for 2 * strlen + 3 is the caller's. */
static size_t put_field(char *to, const char *text) {
    size_t n = strlen(text);
    if (!strpbrk(text, ",\"\r\n")) {
        memcpy(to, text, n);
        return n;
    }
    char *at = to;
    *at++ = '"';
    for (; *text; text++) {
        if (*text == '"') *at++ = '"';
        *at++ = *text;
    }
    *at++ = '"';
    return (size_t)(at - to);
}

int steps_add(struct steps *to, const char *policy, uint64_t seed, int ordinal, const struct step *s, const char *drafter, struct err *err) {
    enum { NUMBERS = 9 * 24 }; // eleven fields, nine of them numbers
    size_t room = 2 * strlen(policy) + 2 * strlen(drafter) + 8 + NUMBERS;
    if (mem_grow(&to->text, &to->capacity, to->n + room, 1, "rounds as text", err)) return ERR_FAILED;
    char *at = to->text + to->n;
    const struct outcome *o = &s->outcome;
    at += put_field(at, policy);
    at += snprintf(at, NUMBERS / 2, ",%llu,%d,%d,%d,%d,", (unsigned long long)seed, ordinal, s->round, s->pos, o->arm);
    at += put_field(at, drafter);
    at += snprintf(at, NUMBERS / 2, ",%d,%d,%d,%d\n", o->gamma, o->proposed, o->accepted, o->emitted);
    to->n = (size_t)(at - to->text);
    return 0;
}

int steps_begin(struct whole *file, const char *path, const char *const *read, size_t n, struct err *err) {
    struct err is = {""};
    for (size_t i = 0; i < n; i++)
        if (read[i] && whole_apart(path, read[i], &is)) return err_set(err, "'%s' is what is read; give another --steps", read[i]);
    return whole_begin(file, path, err);
}

void steps_close(struct steps *to) {
    mem_free(to->text);
    *to = (struct steps){0};
}
