/* tokenizer_model.c - see tokenizer_model.h. */
#include "core/tokenizer_model.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"

/* No words, only numbers. */
static int open_ids(struct tokenizer *t, const struct model *m, struct err *err) {
    enum { ROOM = 12 }; // "<4194303>"
    *t = (struct tokenizer){.size = m->vocab, .bos = -1, .eos = -1, .ids_only = true};
    t->path = mem_text(m->files.path, strlen(m->files.path), err);
    t->tokens = t->path ? mem_alloc((size_t)t->size, sizeof *t->tokens, "tokens", err) : NULL;
    t->bytes = t->tokens ? mem_alloc((size_t)t->size, ROOM, "tokens", err) : NULL;
    if (!t->bytes) {
        tokenizer_close(t);
        return -1;
    }
    for (int i = 0; i < t->size; i++) {
        char *at = t->bytes + (size_t)i * ROOM;
        t->tokens[i] = (struct token){.at = at, .n = (size_t)snprintf(at, ROOM, "<%d>", i)};
    }
    return 0;
}

static int open_directory(struct tokenizer *t, const struct model *m, struct err *err) {
    char path[4096];
    if (snprintf(path, sizeof path, "%s/tokenizer.json", m->files.path) >= (int)sizeof path) return err_set(err, "'%s' is too long a path", m->files.path);
    if (access(path, F_OK) ? open_ids(t, m, err) : tokenizer_open_json(t, path, err)) return -1;
    for (int i = m->end_count - 1; i >= 0; i--) // the first one named stays the usual one
        if (m->ends[i] < t->size && tokenizer_set_eos(t, m->ends[i], err)) return -1;
    return 0;
}

int tokenizer_open_model(struct tokenizer *t, const struct model *m, struct err *err) {
    *t = (struct tokenizer){0};
    return m->files.directory ? open_directory(t, m, err) : tokenizer_open_gguf(t, &m->files.files[0].gguf, err);
}
