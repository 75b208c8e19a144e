/* json.h - what the readers of JSON files share: a whole text to an object, and typed lookups
 * whose messages name file and key. The values themselves are jansson's. */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

/* The object that n bytes of `path` hold (json_decref it); null with `err` set: bad JSON, a key that
 * appears twice, or not an object. jansson bounds the depth; memory is bounded by n. */
json_t *json_parse(const char *path, const char *text, size_t n, struct err *err);

/* Typed lookups. An absent key or null gives `fallback` when it may be absent; a value of another
 * type or outside lo..hi is an error. */
int json_get_int(const json_t *object, const char *path, const char *key, bool required, long long fallback,
             long long lo, long long hi, long long *out, struct err *err);
int json_get_real(const json_t *object, const char *path, const char *key, bool required, double fallback,
              double lo, double hi, double *out, struct err *err);
int json_get_bool(const json_t *object, const char *path, const char *key, bool fallback, bool *out, struct err *err);
/* The text belongs to the object; an absent one gives `fallback`. */
int json_get_text(const json_t *object, const char *path, const char *key, bool required, const char *fallback,
              const char **out, struct err *err);

#endif
