/* pickle.c - see pickle.h.
 *
 * Values are numbers into one array that only grows; a tuple is a run of `items`, an entry of a dict a
 * row of `entries`. Nothing is ever walked through, so values that contain themselves do no harm. */
#include "core/pickle.h"

#include <stdbool.h>
#include <string.h>

#include "core/mem.h"
#include "core/names.h"
#include "core/reader.h"

enum kind { NONE, NUMBER, TEXT, TUPLE, LIST, DICT, GLOBAL, STORAGE, TENSOR, MARK };

static const char *const kind_names[] = {"None", "a number", "a text", "a tuple", "a list", "a dict", "a global", "a storage", "a tensor", "a mark"};

struct value {
    enum kind kind;
    union {
        int64_t number;
        struct pickle_text text;           // TEXT; GLOBAL: "torch FloatStorage", as the file has it
        struct { size_t at; size_t n; } run; // TUPLE: items[at .. at + n)
        size_t which;                      // STORAGE, TENSOR: into storages, tensors
    };
};

struct machine {
    struct reader r;
    size_t op_at; // of the opcode being run
    struct value *values;
    uint32_t *stack, *items, *memo;                     // value numbers; memo: number + 1, 0 free
    struct { uint32_t dict, key, value; } *entries;
    struct pickle_storage *storages;
    struct pickle_tensor *tensors;
    size_t value_n, stack_n, item_n, entry_n, storage_n, tensor_n, memo_n; // memo_n: puts so far
    size_t value_room, stack_room, item_room, memo_room, entry_room, storage_room, tensor_room;
};

static int fault(struct machine *m, struct err *err, const char *what) {
    return err_set(err, "bad pickle in '%s': %s at byte %zu", m->r.path, what, m->op_at);
}

static int push_number(struct machine *m, uint32_t v, struct err *err) {
    if (mem_grow(&m->stack, &m->stack_room, m->stack_n + 1, sizeof *m->stack, "the pickle's stack", err)) return -1;
    m->stack[m->stack_n++] = v;
    return 0;
}

static int push(struct machine *m, struct value v, struct err *err) {
    if (mem_grow(&m->values, &m->value_room, m->value_n + 1, sizeof *m->values, "the pickle's values", err)) return -1;
    m->values[m->value_n] = v;
    return push_number(m, (uint32_t)m->value_n++, err);
}

/* The value `depth` below the top, of the kind it must have; null with `err` set. */
static const struct value *top(struct machine *m, size_t depth, enum kind kind, struct err *err) {
    if (m->stack_n <= depth) {
        fault(m, err, "the stack is empty");
        return NULL;
    }
    const struct value *v = &m->values[m->stack[m->stack_n - 1 - depth]];
    if (v->kind == kind) return v;
    err_set(err, "bad pickle in '%s': %s at byte %zu, expected %s", m->r.path, kind_names[v->kind], m->op_at, kind_names[kind]);
    return NULL;
}

/* How many values lie above the topmost mark. */
static int since_mark(struct machine *m, size_t *n, struct err *err) {
    for (*n = 0; *n < m->stack_n; ++*n)
        if (m->values[m->stack[m->stack_n - 1 - *n]].kind == MARK) return 0;
    return fault(m, err, "no mark");
}

static int make_tuple(struct machine *m, size_t n, bool marked, struct err *err) {
    if (m->stack_n < n) return fault(m, err, "the stack is empty");
    if (mem_grow(&m->items, &m->item_room, m->item_n + n, sizeof *m->items, "the pickle's tuples", err)) return -1;
    struct value v = {.kind = TUPLE, .run = {m->item_n, n}};
    if (n) memcpy(m->items + m->item_n, m->stack + m->stack_n - n, n * sizeof *m->items); // nothing may be allocated yet
    m->item_n += n;
    m->stack_n -= n + marked;
    return push(m, v, err);
}

static const struct value *item(const struct machine *m, const struct value *tuple, size_t i) { return &m->values[m->items[tuple->run.at + i]]; }

static bool is_text(const struct pickle_text *t, const char *text) { return t->n == strlen(text) && !memcmp(t->at, text, t->n); }
static bool is_global(const struct value *v, const char *name) { return v->kind == GLOBAL && is_text(&v->text, name); }

/* Texts of a `c` opcode: two lines. "module\nname\n" becomes "module name" in messages only. */
static int read_global(struct machine *m, struct err *err) {
    const char *from = (const char *)m->r.bytes + m->r.at, *end = (const char *)m->r.bytes + m->r.size;
    const char *first = memchr(from, '\n', (size_t)(end - from)), *second = first ? memchr(first + 1, '\n', (size_t)(end - first - 1)) : NULL;
    if (!second) return fault(m, err, "a global without an end");
    m->r.at += (size_t)(second + 1 - from);
    return push(m, (struct value){.kind = GLOBAL, .text = {from, (size_t)(second - from)}}, err);
}

static const char *const plain_globals[] = {"torch._utils\n_rebuild_tensor_v2", "torch._utils\n_rebuild_parameter", "collections\nOrderedDict"};
enum { REBUILD_TENSOR, REBUILD_PARAMETER, ORDERED_DICT };
#define STORAGE_PREFIX "torch\n"
#define STORAGE_SUFFIX "Storage"

static bool is_storage_type(const struct pickle_text *t) {
    size_t p = strlen(STORAGE_PREFIX), s = strlen(STORAGE_SUFFIX);
    return t->n > p + s && !memcmp(t->at, STORAGE_PREFIX, p) && !memcmp(t->at + t->n - s, STORAGE_SUFFIX, s);
}

static int known_global(struct machine *m, struct err *err) {
    const struct pickle_text *t = &m->values[m->stack[m->stack_n - 1]].text;
    for (size_t i = 0; i < sizeof plain_globals / sizeof *plain_globals; i++)
        if (is_text(t, plain_globals[i])) return 0;
    if (is_storage_type(t)) return 0;
    const char *line = memchr(t->at, '\n', t->n);
    int module = line ? (int)(line - t->at) : 0, name = (int)t->n - module - 1;
    return err_set(err, "'%s' asks for '%.*s.%.*s' at byte %zu: not a plain state dict, nothing of it was run", m->r.path,
                   module > 64 ? 64 : module, t->at, name > 64 ? 64 : name, t->at + module + 1, m->op_at);
}

/* A tuple of whole numbers into out; at most PICKLE_DIMS. */
static int read_sizes(struct machine *m, const struct value *tuple, uint64_t *out, int *dims, struct err *err) {
    if (tuple->kind != TUPLE || tuple->run.n > PICKLE_DIMS) return fault(m, err, "a tensor's shape is no tuple of at most 8 numbers");
    for (size_t i = 0; i < tuple->run.n; i++) {
        const struct value *v = item(m, tuple, i);
        if (v->kind != NUMBER || v->number < 0) return fault(m, err, "a tensor's shape or stride is no whole number");
        out[i] = (uint64_t)v->number;
    }
    *dims = (int)tuple->run.n;
    return 0;
}

/* (storage, offset, size, stride, requires_grad, hooks[, metadata]) */
static int rebuild_tensor(struct machine *m, const struct value *args, struct pickle_tensor *t, struct err *err) {
    if (args->run.n < 6 || item(m, args, 0)->kind != STORAGE || item(m, args, 1)->kind != NUMBER || item(m, args, 1)->number < 0)
        return fault(m, err, "a tensor without storage or offset");
    int strides;
    *t = (struct pickle_tensor){.storage = m->storages[item(m, args, 0)->which], .offset = (uint64_t)item(m, args, 1)->number};
    if (read_sizes(m, item(m, args, 2), t->size, &t->dims, err) || read_sizes(m, item(m, args, 3), t->stride, &strides, err)) return -1;
    return strides == t->dims ? 0 : fault(m, err, "a tensor's shape and stride differ in length");
}

/* What calling a global would give: a tensor, its parameter, an empty dict. */
static int reduce(struct machine *m, struct err *err) {
    const struct value *args = top(m, 0, TUPLE, err), *f = args ? top(m, 1, GLOBAL, err) : NULL;
    if (!f) return -1;
    struct value made = {.kind = DICT};
    if (is_global(f, plain_globals[REBUILD_PARAMETER])) {
        if (args->run.n < 1 || item(m, args, 0)->kind != TENSOR) return fault(m, err, "a parameter without a tensor");
        made = *item(m, args, 0);
    } else if (is_global(f, plain_globals[REBUILD_TENSOR])) {
        made = (struct value){.kind = TENSOR, .which = m->tensor_n};
        if (mem_grow(&m->tensors, &m->tensor_room, m->tensor_n + 1, sizeof *m->tensors, "the pickle's tensors", err)
            || rebuild_tensor(m, args, &m->tensors[m->tensor_n], err))
            return -1;
        m->tensor_n++;
    } else if (!is_global(f, plain_globals[ORDERED_DICT]) || args->run.n) {
        return fault(m, err, "a call that a state dict does not make");
    }
    m->stack_n -= 2;
    return push(m, made, err);
}

/* ('storage', type, key, location, count) */
static int read_storage(struct machine *m, struct err *err) {
    const struct value *id = top(m, 0, TUPLE, err);
    if (!id) return -1;
    if (id->run.n < 5 || item(m, id, 0)->kind != TEXT || !is_text(&item(m, id, 0)->text, "storage") || item(m, id, 1)->kind != GLOBAL
        || !is_storage_type(&item(m, id, 1)->text) || item(m, id, 2)->kind != TEXT || item(m, id, 4)->kind != NUMBER || item(m, id, 4)->number < 0)
        return fault(m, err, "a persistent id that is no storage");
    struct pickle_text type = item(m, id, 1)->text;
    type.at += strlen(STORAGE_PREFIX), type.n -= strlen(STORAGE_PREFIX);
    if (mem_grow(&m->storages, &m->storage_room, m->storage_n + 1, sizeof *m->storages, "the pickle's storages", err)) return -1;
    m->storages[m->storage_n] = (struct pickle_storage){type, item(m, id, 2)->text, (uint64_t)item(m, id, 4)->number};
    m->stack_n--;
    return push(m, (struct value){.kind = STORAGE, .which = m->storage_n++}, err);
}

/* The top n values are keys and values of the dict below them (and below a mark). */
static int set_items(struct machine *m, size_t n, bool marked, struct err *err) {
    if (n % 2) return fault(m, err, "a key without a value");
    if (!top(m, n + marked, DICT, err)) return -1;
    if (mem_grow(&m->entries, &m->entry_room, m->entry_n + n / 2, sizeof *m->entries, "the pickle's dicts", err)) return -1;
    const uint32_t *at = m->stack + m->stack_n - n, dict = at[-1 - (long)marked];
    for (size_t i = 0; i < n; i += 2, m->entry_n++)
        m->entries[m->entry_n].dict = dict, m->entries[m->entry_n].key = at[i], m->entries[m->entry_n].value = at[i + 1];
    m->stack_n -= n + marked;
    return 0;
}

/* Remembers the top under a number. A pickler counts up from 0, so a number is below the file's size. */
static int put(struct machine *m, uint32_t slot, struct err *err) {
    if (!m->stack_n) return fault(m, err, "the stack is empty");
    if (slot >= m->r.size) return fault(m, err, "a memo number beyond the pickle's size");
    if (mem_grow(&m->memo, &m->memo_room, (size_t)slot + 1, sizeof *m->memo, "the pickle's memo", err)) return -1;
    m->memo[slot] = m->stack[m->stack_n - 1] + 1;
    m->memo_n++;
    return 0;
}

static int get(struct machine *m, uint32_t slot, struct err *err) {
    if (slot >= m->memo_room || !m->memo[slot]) return fault(m, err, "a memo number that was never stored");
    return push_number(m, m->memo[slot] - 1, err);
}

static int drop(struct machine *m, size_t n, struct err *err) {
    if (m->stack_n < n) return fault(m, err, "the stack is empty");
    m->stack_n -= n;
    return 0;
}

/* An unsigned little-endian number of 1, 2, 4 or 8 bytes. */
static int take(struct machine *m, int bytes, uint64_t *out, struct err *err) {
    const unsigned char *at = reader_take(&m->r, (uint64_t)bytes, "a pickle's number", err);
    if (!at) return -1;
    *out = bytes == 1 ? *at : bytes == 2 ? le16(at) : bytes == 4 ? le32(at) : le64(at);
    return 0;
}

static int push_text(struct machine *m, int length_bytes, struct err *err) {
    uint64_t n;
    if (take(m, length_bytes, &n, err)) return -1;
    const char *at = (const char *)reader_take(&m->r, n, "a pickle's text", err);
    return at ? push(m, (struct value){.kind = TEXT, .text = {at, (size_t)n}}, err) : -1;
}

static int push_int(struct machine *m, int64_t number, struct err *err) { return push(m, (struct value){.kind = NUMBER, .number = number}, err); }

/* Two's complement of at most 8 bytes. */
static int push_long(struct machine *m, struct err *err) {
    uint64_t n, bits = 0;
    if (take(m, 1, &n, err)) return -1;
    const unsigned char *at = reader_take(&m->r, n, "a pickle's number", err);
    if (!at) return -1;
    if (n > 8) return fault(m, err, "a number of more than 64 bits");
    for (uint64_t i = 0; i < n; i++) bits |= (uint64_t)at[i] << 8 * i;
    if (n && n < 8 && at[n - 1] & 0x80) bits |= ~0ull << 8 * n;
    return push_int(m, (int64_t)bits, err);
}

/* Names of the opcodes that are refused: CPython Lib/pickle.py. */
static const char *refused_name(int op) {
    static const struct { unsigned char op; const char *name; } names[] = {
        {'1', "POP_MARK"}, {'2', "DUP"}, {'F', "FLOAT"}, {'I', "INT"}, {'L', "LONG"}, {'P', "PERSID"}, {'S', "STRING"}, {'T', "BINSTRING"},
        {'U', "SHORT_BINSTRING"}, {'V', "UNICODE"}, {'d', "DICT"}, {'g', "GET"}, {'i', "INST"}, {'l', "LIST"}, {'o', "OBJ"}, {'p', "PUT"},
        {'B', "BINBYTES"}, {'C', "SHORT_BINBYTES"}, {0x81, "NEWOBJ"}, {0x82, "EXT1"}, {0x83, "EXT2"}, {0x84, "EXT4"}, {0x8b, "LONG4"},
        {0x8e, "BINBYTES8"}, {0x8f, "EMPTY_SET"}, {0x90, "ADDITEMS"}, {0x91, "FROZENSET"}, {0x92, "NEWOBJ_EX"}, {0x93, "STACK_GLOBAL"},
        {0x96, "BYTEARRAY8"}, {0x97, "NEXT_BUFFER"}, {0x98, "READONLY_BUFFER"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].op == op) return names[i].name;
    return "unknown";
}

/* Runs one opcode; 1 after STOP. */
static int step(struct machine *m, struct err *err) {
    uint64_t op, n = 0;
    m->op_at = m->r.at;
    size_t count;
    if (take(m, 1, &op, err)) return -1;
    switch (op) {
    case 0x80: // PROTO
        if (take(m, 1, &n, err)) return -1;
        return n >= 2 && n <= 5 ? 0 : fault(m, err, "a protocol other than 2 to 5");
    case 0x95: return take(m, 8, &n, err);              // FRAME: a hint for buffered readers
    case '.': return top(m, 0, DICT, err) ? 1 : -1;     // STOP
    case '(': return push(m, (struct value){.kind = MARK}, err);
    case '0': return drop(m, 1, err);                   // POP
    case 'N': return push(m, (struct value){.kind = NONE}, err);
    case 0x88: return push_int(m, 1, err);              // NEWTRUE
    case 0x89: return push_int(m, 0, err);              // NEWFALSE
    case 'J': return take(m, 4, &n, err) ? -1 : push_int(m, (int32_t)n, err);     // BININT
    case 'K': return take(m, 1, &n, err) ? -1 : push_int(m, (int64_t)n, err);     // BININT1
    case 'M': return take(m, 2, &n, err) ? -1 : push_int(m, (int64_t)n, err);     // BININT2
    case 0x8a: return push_long(m, err);                // LONG1
    case 'G': return take(m, 8, &n, err) ? -1 : push(m, (struct value){.kind = NONE}, err); // BINFLOAT: no tensor has one
    case 'X': return push_text(m, 4, err);              // BINUNICODE
    case 0x8c: return push_text(m, 1, err);             // SHORT_BINUNICODE
    case 0x8d: return push_text(m, 8, err);             // BINUNICODE8
    case ')': return make_tuple(m, 0, false, err);      // EMPTY_TUPLE
    case 0x85: case 0x86: case 0x87: return make_tuple(m, op - 0x84, false, err); // TUPLE1 .. TUPLE3
    case 't': return since_mark(m, &count, err) ? -1 : make_tuple(m, count, true, err);
    case ']': return push(m, (struct value){.kind = LIST}, err); // EMPTY_LIST; what it holds matters to no tensor
    case 'a': return top(m, 1, LIST, err) ? drop(m, 1, err) : -1; // APPEND
    case 'e': // APPENDS
        if (since_mark(m, &count, err) || !top(m, count + 1, LIST, err)) return -1;
        return drop(m, count + 1, err);
    case '}': return push(m, (struct value){.kind = DICT}, err); // EMPTY_DICT
    case 's': return set_items(m, 2, false, err);       // SETITEM
    case 'u': return since_mark(m, &count, err) ? -1 : set_items(m, count, true, err); // SETITEMS
    case 'h': return take(m, 1, &n, err) ? -1 : get(m, (uint32_t)n, err); // BINGET
    case 'j': return take(m, 4, &n, err) ? -1 : get(m, (uint32_t)n, err); // LONG_BINGET
    case 'q': return take(m, 1, &n, err) ? -1 : put(m, (uint32_t)n, err); // BINPUT
    case 'r': return take(m, 4, &n, err) ? -1 : put(m, (uint32_t)n, err); // LONG_BINPUT
    case 0x94: return put(m, (uint32_t)m->memo_n, err); // MEMOIZE
    case 'c': return read_global(m, err) || known_global(m, err) ? -1 : 0; // GLOBAL
    case 'R': return reduce(m, err);
    case 'Q': return read_storage(m, err);              // BINPERSID
    case 'b': return top(m, 1, DICT, err) ? drop(m, 1, err) : -1; // BUILD: an OrderedDict's _metadata
    default:
        return err_set(err, "bad pickle in '%s': opcode %s (0x%02x) at byte %zu, which no state dict needs", m->r.path, refused_name((int)op),
                       (unsigned)op, m->op_at);
    }
}

/* The tensors of the dict on top. */
static int collect(struct machine *m, struct pickle *p, struct err *err) {
    uint32_t dict = m->stack[m->stack_n - 1];
    struct names names = {0};
    p->tensors = mem_alloc(m->entry_n, sizeof *p->tensors, "the tensor list", err);
    if (!p->tensors || names_open(&names, m->entry_n, "the tensor names", err)) return -1;
    for (size_t i = 0; i < m->entry_n; i++) {
        const struct value *key = &m->values[m->entries[i].key], *value = &m->values[m->entries[i].value];
        if (m->entries[i].dict != dict || value->kind != TENSOR) continue;
        if (key->kind != TEXT || names_add(&names, key->text.at, key->text.n, (int32_t)p->count) != (int32_t)p->count) {
            names_close(&names);
            return err_set(err, "bad pickle in '%s': entry %zu has a name that is no text or appears twice", m->r.path, i);
        }
        p->tensors[p->count] = m->tensors[value->which];
        p->tensors[p->count++].name = key->text;
    }
    names_close(&names);
    return p->count ? 0 : err_set(err, "'%s' holds no tensors, expected a state dict", m->r.path);
}

int pickle_parse(struct pickle *p, const char *path, const void *bytes, size_t size, struct err *err) {
    *p = (struct pickle){0};
    struct machine m = {.r = {.path = path, .bytes = bytes, .size = size}};
    int rc = size < UINT32_MAX ? 0 : err_set(err, "the pickle in '%s' has %zu bytes, expected less than 4 GiB", path, size);
    while (!rc) rc = step(&m, err);
    if (rc == 1) rc = collect(&m, p, err);
    mem_free(m.values), mem_free(m.stack), mem_free(m.items), mem_free(m.memo), mem_free(m.entries), mem_free(m.storages), mem_free(m.tensors);
    if (rc) pickle_close(p);
    return rc;
}

void pickle_close(struct pickle *p) {
    mem_free(p->tensors);
    *p = (struct pickle){0};
}
