/* json.c - see json.h. */
#include "core/json.h"

json_t *json_parse(const char *path, const char *text, size_t n, struct err *err) {
    json_error_t why;
    json_t *root = json_loadb(text, n, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &why);
    if (!root) err_set(err, "bad JSON in line %d of '%s': %.200s", why.line, path, why.text);
    else if (!json_is_object(root)) {
        err_set(err, "'%s' holds no JSON object", path);
        json_decref(root);
        root = NULL;
    }
    return root;
}

/* The value, or null: absent (rc 0) or missing (rc -1). */
static const json_t *look_up(const json_t *object, const char *path, const char *key, bool required, int *rc, struct err *err) {
    const json_t *value = json_object_get(object, key);
    *rc = 0;
    if (value && !json_is_null(value)) return value;
    if (required) *rc = err_set(err, "key '%s' is missing in '%s'", key, path);
    return NULL;
}

int json_get_int(const json_t *object, const char *path, const char *key, bool required, long long fallback,
             long long lo, long long hi, long long *out, struct err *err) {
    int rc;
    const json_t *value = look_up(object, path, key, required, &rc, err);
    *out = fallback;
    if (!value) return rc;
    if (!json_is_integer(value) || json_integer_value(value) < lo || json_integer_value(value) > hi)
        return err_set(err, "bad value of key '%s' in '%s': a whole number from %lld to %lld expected", key, path, lo, hi);
    *out = json_integer_value(value);
    return 0;
}

int json_get_real(const json_t *object, const char *path, const char *key, bool required, double fallback,
              double lo, double hi, double *out, struct err *err) {
    int rc;
    const json_t *value = look_up(object, path, key, required, &rc, err);
    *out = fallback;
    if (!value) return rc;
    double number = json_number_value(value);
    if (!json_is_number(value) || !(number >= lo && number <= hi))
        return err_set(err, "bad value of key '%s' in '%s': a number from %g to %g expected", key, path, lo, hi);
    *out = number;
    return 0;
}

int json_get_bool(const json_t *object, const char *path, const char *key, bool fallback, bool *out, struct err *err) {
    int rc;
    const json_t *value = look_up(object, path, key, false, &rc, err);
    *out = fallback;
    if (!value) return rc;
    if (!json_is_boolean(value)) return err_set(err, "bad value of key '%s' in '%s': true or false expected", key, path);
    *out = json_is_true(value);
    return 0;
}

int json_get_text(const json_t *object, const char *path, const char *key, bool required, const char *fallback,
              const char **out, struct err *err) {
    int rc;
    const json_t *value = look_up(object, path, key, required, &rc, err);
    *out = fallback;
    if (!value) return rc;
    if (!json_is_string(value)) return err_set(err, "bad value of key '%s' in '%s': a string expected", key, path);
    *out = json_string_value(value);
    return 0;
}
