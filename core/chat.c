/* chat.c - see chat.h.
 *
 * chatml    the template in SmolLM2's and Qwen2's tokenizer_config.json
 * qwen2     the same with Qwen2's own default system prompt, for files that lack theirs
 * llama-3   meta-llama/llama3 llama/tokenizer.py, class ChatFormat; it trims what is said
 * llama-3.1 the template of Llama 3.1 and 3.2, which always tells two dates. Those of 3.2 ask the clock for the
 *           second one, where there is a clock to ask; the date that both fall back to is taken here, always
 * llama-2   meta-llama/llama llama/generation.py, chat_completion; it trims what is said
 * zephyr    the template of TinyLlama-1.1B-Chat's tokenizer_config.json */
#include "core/chat.h"

#include <stdbool.h>
#include <string.h>

#include "core/mem.h"

struct chat_template {
    const char *name, *marker;                  // marker: tells the template's Jinja text
    const char *marker_too;                     // must stand there as well, or null
    const char *bos, *system_open, *system_close; // around the default system prompt, if any
    const char *system;                         // of files that have none; null: none
    const char *open, *close;                   // around the user's text
    const char *controls[4];                    // tokens that must exist
    bool trim;                                  // white space around the user's text goes
};

static const struct chat_template templates[] = {
    {.name = "chatml", .marker = "<|im_start|>", .bos = "", .system_open = "<|im_start|>system\n",
     .system_close = "<|im_end|>\n", .open = "<|im_start|>user\n", .close = "<|im_end|>\n<|im_start|>assistant\n",
     .controls = {"<|im_start|>", "<|im_end|>"}},
    {.name = "qwen2", .marker = "<|im_start|>", .bos = "", .system_open = "<|im_start|>system\n",
     .system_close = "<|im_end|>\n", .open = "<|im_start|>user\n", .close = "<|im_end|>\n<|im_start|>assistant\n",
     .system = "You are a helpful assistant.", .controls = {"<|im_start|>", "<|im_end|>"}},
    {.name = "llama-3.1", .marker = "<|start_header_id|>", .marker_too = "Cutting Knowledge Date",
     .bos = "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
            "Today Date: 26 Jul 2024\n\n<|eot_id|>",
     .open = "<|start_header_id|>user<|end_header_id|>\n\n",
     .close = "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n", .trim = true,
     .controls = {"<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}},
    {.name = "llama-3", .marker = "<|start_header_id|>", .bos = "<|begin_of_text|>",
     .open = "<|start_header_id|>user<|end_header_id|>\n\n",
     .close = "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n", .trim = true,
     .controls = {"<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}},
    {.name = "llama-2", .marker = "[INST]", .marker_too = "<<SYS>>", .bos = "<s>", .open = "[INST] ", .close = " [/INST]", .trim = true,
     .controls = {"<s>"}},
    {.name = "zephyr", .marker = "<|user|>", .marker_too = "<|assistant|>", .bos = "", .open = "<|user|>\n", .close = "</s>\n<|assistant|>\n",
     .controls = {"</s>"}},
    {.name = "plain", .bos = "", .open = "", .close = ""},
};
enum { TEMPLATES = sizeof templates / sizeof *templates, PLAIN = TEMPLATES - 1 };

static const struct chat_template *find_named(const char *name, struct err *err) {
    for (int i = 0; i < TEMPLATES; i++)
        if (!strcmp(templates[i].name, name)) return &templates[i];
    err_usage(err, "unknown chat template '%s': " CHAT_NAMES " expected", name);
    return NULL;
}

static const struct chat_template *find_own(const struct tokenizer *t, struct err *err) {
    if (!t->chat_template) return &templates[PLAIN];
    for (int i = 0; i < PLAIN; i++)
        if (strstr(t->chat_template, templates[i].marker) && (!templates[i].marker_too || strstr(t->chat_template, templates[i].marker_too)))
            return &templates[i];
    err_set(err, "the chat template of '%s' is none that this build knows: name one of " CHAT_NAMES " with --template", t->path);
    return NULL;
}

/* The default system prompt: the literal text between `open`, a newline (as such or written
 * \n) and `close` in the Jinja text. What holds quotes or braces is code, no literal. */
static int read_system(struct chat *c, struct err *err) {
    static const char open[] = "<|im_start|>system", close[] = "<|im_end|>";
    const char *at = c->tokenizer->chat_template;
    while (at && (at = strstr(at, open))) {
        at += sizeof open - 1;
        if (*at != '\n' && strncmp(at, "\\n", 2)) continue;
        at += *at == '\n' ? 1 : 2;
        const char *end = strstr(at, close);
        if (!end || end == at || at + strcspn(at, "'\"{}\\") < end) continue;
        c->system = mem_text(at, (size_t)(end - at), err);
        return c->system ? 0 : -1;
    }
    return 0;
}

int chat_open(struct chat *c, const struct tokenizer *t, const char *name, struct err *err) {
    *c = (struct chat){.tokenizer = t};
    const struct chat_template *f = c->format = name ? find_named(name, err) : find_own(t, err);
    if (!f) return name ? ERR_USAGE : ERR_FAILED;
    for (size_t i = 0; i < sizeof f->controls / sizeof *f->controls && f->controls[i]; i++)
        if (tokenizer_special(t, f->controls[i]) < 0)
            return err_set(err, "chat template '%s' needs the token '%s', which '%s' lacks", f->name, f->controls[i], t->path);
    if (f->system_open && read_system(c, err)) return -1;
    if (f->system && !c->system && !(c->system = mem_text(f->system, strlen(f->system), err))) return -1;
    return 0;
}

void chat_close(struct chat *c) {
    mem_free(c->system);
    *c = (struct chat){0};
}

const char *chat_name(const struct chat *c) { return c->format->name; }

/* Templates that begin with bos say so in their text; without a template the tokenizer does. */
static bool wants_bos(const struct chat *c) {
    const struct tokenizer *t = c->tokenizer;
    if (t->bos < 0) return false;
    if (!c->format->marker) return t->add_bos;
    return !*c->format->bos && t->chat_template && strstr(t->chat_template, "bos_token");
}

static bool is_white(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static int add(struct buffer *b, const char *text, struct err *err) { return buffer_add(b, text, strlen(text), err); }

static int add_system(const struct chat *c, struct buffer *b, struct err *err) {
    if (!c->system) return 0;
    return add(b, c->format->system_open, err) || add(b, c->system, err) || add(b, c->format->system_close, err) ? -1 : 0;
}

/* Markup and the user's text are encoded as one text, since words may span the seam. */
int chat_render(const struct chat *c, const char *user, size_t n, struct ids *out, struct err *err) {
    const struct chat_template *f = c->format;
    while (f->trim && n && is_white(user[n - 1])) n--;
    while (f->trim && n && is_white(*user)) user++, n--;
    if (wants_bos(c) && ids_add(out, c->tokenizer->bos, err)) return -1;
    struct buffer b = {0};
    int rc = add(&b, f->bos, err) || add_system(c, &b, err) || add(&b, f->open, err) ? -1 : 0;
    size_t from = b.n;
    if (rc == 0) rc = buffer_add(&b, user, n, err) || add(&b, f->close, err) ? -1 : 0;
    if (rc == 0) rc = tokenizer_encode_around(c->tokenizer, b.at, b.n, from, from + n, out, err);
    buffer_close(&b);
    return rc;
}
