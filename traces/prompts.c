/* prompts.c - see prompts.h. One JSON object a line (jsonlines.org); a byte order mark, blank
 * lines and CRLF ends are passed over. */
#include "traces/prompts.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "core/mem.h"

struct place { // of the line being read, for messages
    const char *path;
    size_t line;
    struct err *err;
};

#define broken(at, format, ...) \
    err_set((at)->err, "prompt in line %zu of '%s' " format, (at)->line, (at)->path __VA_OPT__(,) __VA_ARGS__)

static char *copy_text(const json_t *text, struct err *err) {
    return mem_text(json_string_value(text), json_string_length(text), err);
}

/* A label: text, a whole number (Spec-Bench numbers its questions), or absent. */
static int parse_label(const struct place *at, const json_t *object, const char *key, char **to) {
    const json_t *value = json_object_get(object, key);
    char number[32] = "";
    if (json_is_string(value)) return (*to = copy_text(value, at->err)) ? 0 : -1;
    if (json_is_integer(value)) snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (value && !json_is_null(value)) return broken(at, "has a '%s' that is neither text nor a whole number", key);
    return (*to = mem_text(number, strlen(number), at->err)) ? 0 : -1;
}

static int parse_ids(const struct place *at, const json_t *list, struct prompt *p) {
    if (!json_is_array(list) || json_array_size(list) == 0) return broken(at, "has 'prompt_ids' that are no list of token ids");
    if (json_array_size(list) > INT_MAX / 2) return broken(at, "has %zu token ids", json_array_size(list));
    if (!(p->ids = mem_alloc(json_array_size(list), sizeof *p->ids, "prompt ids", at->err))) return -1;
    size_t i;
    json_t *id;
    json_array_foreach(list, i, id) {
        if (!json_is_integer(id)) return broken(at, "has something else than a whole number as token id %zu", i);
        json_int_t value = json_integer_value(id);
        if (value < 0 || value > INT_MAX)
            return broken(at, "has token id %" JSON_INTEGER_FORMAT " (number %zu), not in 0 to %d", value, i, INT_MAX);
        p->ids[p->n++] = (int)value;
    }
    return 0;
}

static int parse_turns(const struct place *at, const json_t *turns, struct prompt *p) {
    const json_t *first = json_array_get(turns, 0);
    if (!json_is_string(first)) return broken(at, "has 'turns' that do not begin with a text");
    return (p->text = copy_text(first, at->err)) ? 0 : -1;
}

static int parse_content(const struct place *at, const json_t *object, struct prompt *p) {
    const json_t *turns = json_object_get(object, "turns"), *text = json_object_get(object, "prompt"),
                 *ids = json_object_get(object, "prompt_ids");
    int given = !!turns + !!text + !!ids;
    if (given != 1) return broken(at, "has %s of 'turns', 'prompt' and 'prompt_ids': expected one", given ? "several" : "none");
    if (turns) return parse_turns(at, turns, p);
    if (ids) return parse_ids(at, ids, p);
    if (!json_is_string(text)) return broken(at, "has a 'prompt' that is no text");
    return (p->text = copy_text(text, at->err)) ? 0 : -1;
}

static int parse_line(const struct place *at, const char *bytes, size_t size, struct prompt *p) {
    json_error_t why;
    json_t *object = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &why);
    if (!object) return broken(at, "is no JSON object: %s, at byte %d", why.text, why.position);
    int rc = json_is_object(object) ? parse_content(at, object, p) : broken(at, "is no JSON object");
    if (rc == 0) rc = parse_label(at, object, "question_id", &p->question);
    if (rc == 0) rc = parse_label(at, object, "category", &p->category);
    json_decref(object);
    return rc;
}

static int is_blank(const char *bytes, size_t size) {
    while (size && strchr(" \t\r", *bytes) && *bytes) bytes++, size--;
    return size == 0;
}

int prompts_parse(struct prompts *p, const char *path, const char *bytes, size_t size, int limit, struct err *err) {
    struct place at = {.path = path, .err = err};
    size_t capacity = 0;
    *p = (struct prompts){0};
    if (size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3)) bytes += 3, size -= 3; // byte order mark
    while (size && (limit == 0 || p->n < limit)) {
        const char *end = memchr(bytes, '\n', size);
        size_t length = end ? (size_t)(end - bytes) : size;
        at.line++;
        if (!is_blank(bytes, length)) {
            if (p->n == INT_MAX) { broken(&at, "is one too many"); goto fail; }
            if (mem_grow(&p->at, &capacity, (size_t)p->n + 1, sizeof *p->at, "prompts", err)
                || parse_line(&at, bytes, length, &p->at[p->n++])) goto fail;
        }
        size -= length + !!end;
        bytes += length + !!end;
    }
    if (p->n) return 0;
    err_set(err, "'%s' holds no prompt", path);
fail:
    prompts_close(p);
    return -1;
}

/* All of a file or a pipe. */
static int read_all(const char *path, char **bytes, size_t *size, struct err *err) {
    size_t capacity = 0, n;
    FILE *f = fopen(path, "rb");
    if (!f) return err_set(err, "cannot open prompts '%s': %s", path, strerror(errno));
    int rc;
    do {
        if ((rc = mem_grow(bytes, &capacity, *size + 65536, 1, "prompts", err))) break;
        n = fread(*bytes + *size, 1, 65536, f);
        *size += n;
    } while (n);
    if (rc == 0 && ferror(f)) rc = err_set(err, "cannot read prompts '%s': %s", path, strerror(errno));
    fclose(f);
    return rc;
}

int prompts_open(struct prompts *p, const char *path, int limit, struct err *err) {
    char *bytes = NULL;
    size_t size = 0;
    *p = (struct prompts){0};
    int rc = read_all(path, &bytes, &size, err);
    if (rc == 0) rc = prompts_parse(p, path, bytes, size, limit, err);
    mem_free(bytes);
    return rc;
}

void prompts_close(struct prompts *p) {
    for (int i = 0; i < p->n; i++) {
        mem_free(p->at[i].text);
        mem_free(p->at[i].ids);
        mem_free(p->at[i].question);
        mem_free(p->at[i].category);
    }
    mem_free(p->at);
    *p = (struct prompts){0};
}
