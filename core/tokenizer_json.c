/* tokenizer_json.c - a tokenizer from Hugging Face's tokenizer.json (format of the library
 * `tokenizers`, version "1.0"), and the special tokens and chat template that stand in
 * tokenizer_config.json. Parts that would change the ids and that this build does not do
 * (prefix spaces, stripping tokens, other models) are refused by name. */
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

#include "core/gguf.h"
#include "core/mem.h"
#include "core/tokenizer_build.h"

#define MARK "\xe2\x96\x81" // how SentencePiece writes a space

static int refuse(const char *path, const char *part, const char *why, struct err *err) {
    return err_set(err, "%s of '%s' %s", part, path, why);
}

static const char *type_of(const json_t *part) {
    const char *type = json_string_value(json_object_get(part, "type"));
    return type ? type : "";
}

static json_t *parse(const char *path, const char *text, size_t n, struct err *err) {
    json_error_t why;
    json_t *root = json_loadb(text, n, JSON_ALLOW_NUL, &why);
    if (!root) err_set(err, "bad JSON in line %d of '%s': %s", why.line, path, why.text);
    else if (!json_is_object(root)) {
        err_set(err, "'%s' is not a tokenizer: a JSON object expected", path);
        json_decref(root);
        root = NULL;
    }
    return root;
}

/* The id of an entry, within what the number of entries allows (a few ids may be unused). */
static int read_id(const json_t *value, size_t limit, const char *text, const char *path, int *out, struct err *err) {
    json_int_t id = json_is_integer(value) ? json_integer_value(value) : -1;
    if (id < 0 || (unsigned long long)id >= limit)
        return err_set(err, "bad id of token '%.64s' in '%s': a whole number below %zu expected", text, path, limit);
    *out = (int)id;
    return 0;
}

/* Passes over all tokens: counts them when v is null, else writes them. */
static int read_tokens(const json_t *words, const json_t *added, size_t limit, const char *path, struct vocab *v,
                       int *size, struct err *err) {
    const char *key;
    size_t key_n, i;
    json_t *value;
    int id = 0;
    json_object_keylen_foreach((json_t *)words, key, key_n, value) {
        if (read_id(value, limit, key, path, &id, err)) return -1;
        if (id >= *size) *size = id + 1;
        if (v && v->text[id].at) return err_set(err, "token id %d appears twice in '%s'", id, path);
        if (v) v->text[id] = (struct vocab_text){key, key_n};
    }
    json_array_foreach(added, i, value) {
        json_t *content = json_object_get(value, "content");
        const char *text = json_is_string(content) ? json_string_value(content) : "";
        if (!*text) return err_set(err, "added token %zu of '%s' has no content", i, path);
        if (read_id(json_object_get(value, "id"), limit, text, path, &id, err)) return -1;
        if (id >= *size) *size = id + 1;
        if (json_is_true(json_object_get(value, "lstrip")) || json_is_true(json_object_get(value, "rstrip"))
            || json_is_true(json_object_get(value, "single_word")))
            return err_set(err, "added token '%.64s' of '%s' strips or guards its neighbours: not supported", text, path);
        if (!v) continue;
        v->text[id] = (struct vocab_text){text, json_string_length(content)};
        v->kind[id] = json_is_true(json_object_get(value, "special")) ? TOKEN_CONTROL : TOKEN_ADDED;
    }
    return 0;
}

/* "a b" (old files) or ["a", "b"]. */
static int read_merges(const json_t *merges, struct vocab *v, struct err *err) {
    size_t i;
    json_t *merge;
    json_array_foreach(merges, i, merge) {
        const json_t *left = json_array_get(merge, 0), *right = json_array_get(merge, 1);
        if (json_is_string(merge)) {
            if (vocab_set_merge(v, i, json_string_value(merge), json_string_length(merge), err)) return -1;
        } else if (json_array_size(merge) == 2 && json_is_string(left) && json_is_string(right)) {
            v->merge[i][0] = (struct vocab_text){json_string_value(left), json_string_length(left)};
            v->merge[i][1] = (struct vocab_text){json_string_value(right), json_string_length(right)};
        } else {
            return err_set(err, "bad merge %zu in '%s': two strings expected", i, v->path);
        }
    }
    return 0;
}

static int read_model(const json_t *root, const char *path, struct vocab *v, struct err *err) {
    const json_t *model = json_object_get(root, "model"), *added = json_object_get(root, "added_tokens");
    const json_t *words = json_object_get(model, "vocab"), *merges = json_object_get(model, "merges");
    if (*type_of(model) && strcmp(type_of(model), "BPE"))
        return err_set(err, "unknown model '%s' in '%s': BPE expected", type_of(model), path);
    if (!json_is_object(words) || !json_is_array(merges))
        return err_set(err, "'%s' is not a tokenizer: model.vocab and model.merges expected", path);
    const char *prefix = json_string_value(json_object_get(model, "continuing_subword_prefix"));
    const char *suffix = json_string_value(json_object_get(model, "end_of_word_suffix"));
    if ((prefix && *prefix) || (suffix && *suffix)) return refuse(path, "the model", "marks parts of words: not supported", err);
    if (json_number_value(json_object_get(model, "dropout")) > 0) return refuse(path, "the model", "uses dropout: not supported", err);
    size_t count = json_object_size(words) + json_array_size(added);
    int size = 0;
    if (read_tokens(words, added, 2 * count + 1024, path, NULL, &size, err)
        || vocab_open(v, path, (size_t)size, json_array_size(merges), err)
        || read_tokens(words, added, 2 * count + 1024, path, v, &size, err))
        return -1;
    v->ignore_merges = json_is_true(json_object_get(model, "ignore_merges"));
    v->fallback = json_is_true(json_object_get(model, "byte_fallback"));
    const char *unknown = json_string_value(json_object_get(model, "unk_token"));
    for (int i = 0; i < v->size; i++) {
        if (v->fallback && v->kind[i] == TOKEN_NORMAL && v->text[i].at && vocab_byte(v->text[i]) >= 0) v->kind[i] = TOKEN_BYTE;
        if (unknown && v->text[i].at && v->text[i].n == strlen(unknown) && !memcmp(v->text[i].at, unknown, v->text[i].n)) v->unknown = i;
    }
    return read_merges(merges, v, err);
}

static int read_normalizer(const json_t *part, struct vocab *v, struct err *err) {
    if (!part || json_is_null(part)) return 0;
    if (!strcmp(type_of(part), "Sequence")) {
        size_t i;
        json_t *item;
        json_array_foreach(json_object_get(part, "normalizers"), i, item)
            if (read_normalizer(item, v, err)) return -1;
        return 0;
    }
    if (!strcmp(type_of(part), "NFC")) {
        v->nfc = true;
        return 0;
    }
    const char *prefix = json_string_value(json_object_get(part, "prepend"));
    if (!strcmp(type_of(part), "Prepend") && prefix && !strcmp(prefix, MARK)) {
        v->spaces.prefix = PREFIX_ALWAYS; // before each piece, since each is normalized by itself
        return 0;
    }
    const char *from = json_string_value(json_object_get(json_object_get(part, "pattern"), "String"));
    const char *to = json_string_value(json_object_get(part, "content"));
    if (!strcmp(type_of(part), "Replace") && from && to && !strcmp(from, " ") && !strcmp(to, MARK)) {
        v->spaces.on = true;
        return 0;
    }
    return err_set(err, "unknown normalizer '%s' in '%s': NFC, or Prepend and Replace of spaces by " MARK ", expected", type_of(part), v->path);
}

/* Metaspace: spaces become marks, and one goes before the text. */
static int read_metaspace(const json_t *part, struct vocab *v, struct err *err) {
    const char *mark = json_string_value(json_object_get(part, "replacement")), *scheme = json_string_value(json_object_get(part, "prepend_scheme"));
    const json_t *old = json_object_get(part, "add_prefix_space");
    if (!mark || strcmp(mark, MARK) || !json_is_false(json_object_get(part, "split")))
        return refuse(v->path, "the Metaspace pre-tokenizer", "is not supported: the replacement " MARK " and split false expected", err);
    v->spaces.on = v->spaces.unless_there = true;
    if (!scheme) scheme = json_is_false(old) ? "never" : "always";
    v->spaces.prefix = !strcmp(scheme, "always") ? PREFIX_ALWAYS : !strcmp(scheme, "first") ? PREFIX_FIRST : PREFIX_NEVER;
    return 0;
}

/* Split with every match and every gap a piece; Removed + invert keeps the matches, which is
 * the same for patterns that leave no gaps. */
static int read_split(const json_t *part, struct vocab *v, struct err *err) {
    const char *behavior = json_string_value(json_object_get(part, "behavior"));
    const char *regex = json_string_value(json_object_get(json_object_get(part, "pattern"), "Regex"));
    if (!regex || !behavior || strcmp(behavior, "Isolated") || json_is_true(json_object_get(part, "invert")))
        return refuse(v->path, "the Split pre-tokenizer", "is not supported: a Regex with behavior Isolated expected", err);
    return pretokenizer_add(&v->words_of, regex, v->path, err);
}

/* Sets *mapped once ByteLevel has come, which must be last. */
static int read_pretokenizer(const json_t *part, struct vocab *v, bool *mapped, struct err *err) {
    const char *type = type_of(part);
    if (*mapped) return refuse(v->path, "the pre-tokenizer", "goes on after ByteLevel: not supported", err);
    if (!strcmp(type, "Sequence")) {
        size_t i;
        json_t *item;
        json_array_foreach(json_object_get(part, "pretokenizers"), i, item)
            if (read_pretokenizer(item, v, mapped, err)) return -1;
        return 0;
    }
    if (!strcmp(type, "Digits")) // char::is_numeric: categories Nd, Nl, No
        return pretokenizer_add(&v->words_of, json_is_true(json_object_get(part, "individual_digits")) ? "\\p{N}" : "\\p{N}+",
                                v->path, err);
    if (!strcmp(type, "Split")) return read_split(part, v, err);
    if (!strcmp(type, "Metaspace")) return read_metaspace(part, v, err);
    if (strcmp(type, "ByteLevel"))
        return err_set(err, "unknown pre-tokenizer '%s' in '%s': Sequence, Split, Digits, ByteLevel or Metaspace expected", type, v->path);
    if (json_is_true(json_object_get(part, "add_prefix_space")))
        return refuse(v->path, "the ByteLevel pre-tokenizer", "adds a prefix space: not supported", err);
    *mapped = true;
    const json_t *use_regex = json_object_get(part, "use_regex"); // absent means true
    return json_is_false(use_regex) ? 0 : pretokenizer_add(&v->words_of, pretokenizer_gpt2, v->path, err);
}

/* A post-processor that puts a special token before the text: that token, and add_bos. */
static int read_bos(const json_t *part, struct tokenizer *t) {
    if (!strcmp(type_of(part), "Sequence")) {
        size_t i;
        json_t *item;
        json_array_foreach(json_object_get(part, "processors"), i, item)
            if (read_bos(item, t)) return 1;
        return 0;
    }
    if (strcmp(type_of(part), "TemplateProcessing")) return 0;
    const json_t *first = json_array_get(json_object_get(part, "single"), 0);
    const char *name = json_string_value(json_object_get(json_object_get(first, "SpecialToken"), "id"));
    int id = name ? tokenizer_special(t, name) : -1;
    if (id < 0) return 0;
    t->bos = id;
    t->add_bos = true;
    return 1;
}

/* "eos_token": "x" or {"content": "x"}; -1: absent. */
static int named_id(const json_t *config, const char *key, const struct tokenizer *t) {
    const json_t *value = json_object_get(config, key);
    const char *name = json_string_value(json_is_object(value) ? json_object_get(value, "content") : value);
    return name ? tokenizer_special(t, name) : -1;
}

/* Of [{"name": "default", "template": "..."}, ...]. */
static const json_t *default_template(const json_t *list) {
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)list, i, one) {
        const char *name = json_string_value(json_object_get(one, "name"));
        if (name && !strcmp(name, "default")) return json_object_get(one, "template");
    }
    return NULL;
}

static int read_config(struct tokenizer *t, const char *text, size_t n, struct err *err) {
    json_t *config = parse("tokenizer_config.json", text, n, err);
    if (!config) return err_add(err, " (beside '%s')", t->path);
    int eos = named_id(config, "eos_token", t), bos = named_id(config, "bos_token", t), rc = 0;
    const json_t *add_bos = json_object_get(config, "add_bos_token"), *chat = json_object_get(config, "chat_template");
    if (bos >= 0) t->bos = bos;
    if (json_is_boolean(add_bos) && t->bos >= 0) t->add_bos = json_is_true(add_bos);
    if (eos >= 0) rc = tokenizer_set_eos(t, eos, err);
    if (json_is_array(chat)) chat = default_template(chat);
    if (rc == 0 && json_is_string(chat)
        && !(t->chat_template = mem_text(json_string_value(chat), json_string_length(chat), err)))
        rc = -1;
    json_decref(config);
    return rc;
}

static int read_root(struct tokenizer *t, const json_t *root, const char *path, struct err *err) {
    struct vocab v = {0};
    bool mapped = false;
    const json_t *words = json_object_get(root, "pre_tokenizer");
    int rc = read_model(root, path, &v, err) || read_normalizer(json_object_get(root, "normalizer"), &v, err) ? -1 : 0;
    bool none = !words || json_is_null(words);
    if (rc == 0 && none && !v.spaces.on) rc = refuse(path, "the pre-tokenizer", "is missing: ByteLevel or Metaspace expected", err);
    if (rc == 0 && !none) rc = read_pretokenizer(words, &v, &mapped, err);
    if (rc == 0 && v.spaces.on && (mapped || v.words_of.n || v.nfc))
        rc = refuse(path, "the pre-tokenizer", "cuts words of a vocabulary with " MARK ": not supported", err);
    if (rc == 0 && !mapped && !v.spaces.on) rc = refuse(path, "the pre-tokenizer", "is not byte-level: ByteLevel or Metaspace expected", err);
    if (rc == 0 && !v.spaces.on && (v.fallback || v.spaces.prefix)) rc = refuse(path, "the model", "uses byte_fallback or a prefix without " MARK ": not supported", err);
    if (rc == 0) rc = tokenizer_build(t, &v, err);
    if (rc == 0) read_bos(json_object_get(root, "post_processor"), t);
    vocab_close(&v);
    return rc;
}

int tokenizer_parse_json(struct tokenizer *t, const char *path, const char *json, size_t n, const char *config,
                         size_t config_n, struct err *err) {
    *t = (struct tokenizer){0};
    json_t *root = parse(path, json, n, err);
    if (!root) return -1;
    int rc = read_root(t, root, path, err);
    json_decref(root);
    if (rc == 0 && config && (rc = read_config(t, config, config_n, err))) tokenizer_close(t);
    return rc;
}

/* The path of `name` in the directory of `path`; the caller frees it. */
static char *sibling(const char *path, const char *name, struct err *err) {
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash + 1 - path) : 0, name_n = strlen(name);
    char *out = mem_alloc(n + name_n + 1, 1, "a path", err);
    if (!out) return NULL;
    memcpy(out, path, n);
    memcpy(out + n, name, name_n);
    return out;
}

int tokenizer_open_json(struct tokenizer *t, const char *path, struct err *err) {
    *t = (struct tokenizer){0};
    struct file_map json = {0}, config = {0}, jinja = {0};
    struct err absent; // the second and third file are optional
    char *config_path = sibling(path, "tokenizer_config.json", err), *jinja_path = config_path ? sibling(path, "chat_template.jinja", err) : NULL;
    int rc = jinja_path ? file_map_open(&json, path, err) : -1;
    if (rc == 0) {
        (void)file_map_open(&config, config_path, &absent);
        rc = tokenizer_parse_json(t, path, (const char *)json.bytes, json.size, (const char *)config.bytes, config.size, err);
    }
    if (rc == 0 && !t->chat_template && !file_map_open(&jinja, jinja_path, &absent)
        && !(t->chat_template = mem_text((const char *)jinja.bytes, jinja.size, err))) {
        tokenizer_close(t);
        rc = -1;
    }
    file_map_close(&json);
    file_map_close(&config);
    file_map_close(&jinja);
    mem_free(config_path);
    mem_free(jinja_path);
    return rc;
}

static int open_directory(struct tokenizer *t, const char *path, struct err *err) {
    struct buffer file = {0};
    int rc = buffer_add(&file, path, strlen(path), err) || buffer_add(&file, "/tokenizer.json", 16, err) ? -1 : 0;
    if (rc == 0) rc = tokenizer_open_json(t, file.at, err);
    buffer_close(&file);
    return rc;
}

int tokenizer_open(struct tokenizer *t, const char *path, struct err *err) {
    *t = (struct tokenizer){0};
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) return open_directory(t, path, err);
    struct file_map map;
    if (file_map_open(&map, path, err)) return -1;
    bool is_gguf = map.size >= 4 && !memcmp(map.bytes, "GGUF", 4);
    file_map_close(&map);
    if (!is_gguf) return tokenizer_open_json(t, path, err);
    struct gguf g;
    if (gguf_open(&g, path, err)) return -1;
    int rc = tokenizer_open_gguf(t, &g, err);
    gguf_close(&g);
    return rc;
}
