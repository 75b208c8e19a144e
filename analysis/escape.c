/* escape.c - see escape.h. */
#include "analysis/escape.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "core/utf8.h"

/* The next character of *text, which moves past it; 0 at the end. */
static uint32_t next_character(const char **text) {
    size_t n = strlen(*text);
    if (!n) return 0;
    struct utf8_step s = utf8_step(*text, n);
    *text += s.n;
    uint32_t c = s.valid ? s.code : 0xFFFD;
    if (c < 0x20 || (c >= 0x7F && c < 0xA0) || (c & 0xFFFE) == 0xFFFE) return 0xFFFD; // controls, and what is no character
    if ((c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029) return 0xFFFD; // turn or break lines
    return c;
}

static void put_character(uint32_t c, FILE *to) {
    utf8proc_uint8_t bytes[4];
    fwrite(bytes, 1, (size_t)utf8proc_encode_char((utf8proc_int32_t)c, bytes), to);
}

void put_html(const char *text, FILE *to) {
    for (uint32_t c; (c = next_character(&text));)
        if (c == '&') fputs("&amp;", to);
        else if (c == '<') fputs("&lt;", to);
        else if (c == '>') fputs("&gt;", to);
        else if (c == '"') fputs("&quot;", to);
        else put_character(c, to);
}

void put_latex(const char *text, FILE *to) {
    for (uint32_t c, before = 0; (c = next_character(&text)); before = c)
        switch (c) {
        case '#': case '$': case '%': case '&': case '_': case '{': case '}': fprintf(to, "\\%c", (char)c); break;
        case '\\': fputs("\\textbackslash{}", to); break;
        case '^': fputs("\\textasciicircum{}", to); break;
        case '~': fputs("\\textasciitilde{}", to); break;
        case '<': fputs("\\textless{}", to); break;
        case '>': fputs("\\textgreater{}", to); break;
        case '|': fputs("\\textbar{}", to); break;
        case '"': fputs("\\textquotedbl{}", to); break;
        case '\'': fputs("\\textquotesingle{}", to); break;
        case '`': fputs("\\textasciigrave{}", to); break;
        case 0xFFFD: putc('?', to); break;
        default:
            if (c == '-' && before == '-') fputs("{}", to); // no dash
            put_character(c, to);
        }
}

void put_csv(const char *text, FILE *to) {
    const char *odd = strpbrk(text, ",\"\r\n");
    if (odd) putc('"', to);
    for (uint32_t c; (c = next_character(&text));) {
        if (c == '"') putc('"', to);
        put_character(c, to);
    }
    if (odd) putc('"', to);
}

void put_shell(const char *text, FILE *to) {
    if (*text && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%") == strlen(text)) {
        fputs(text, to);
        return;
    }
    putc('\'', to);
    for (uint32_t c; (c = next_character(&text));)
        if (c == '\'') fputs("'\\''", to);
        else put_character(c, to);
    putc('\'', to);
}

static int columns_of(uint32_t c) {
    int w = utf8proc_charwidth((utf8proc_int32_t)c);
    return w < 0 ? 1 : w;
}

int terminal_columns(const char *text) {
    int all = 0;
    for (uint32_t c; (c = next_character(&text));) all += columns_of(c);
    return all;
}

int put_terminal(const char *text, int width, FILE *to) {
    int used = 0;
    const bool cut = width >= 0 && terminal_columns(text) > width;
    for (uint32_t c; (c = next_character(&text));) {
        int w = columns_of(c);
        if (cut && used + w > width - 1) break;
        put_character(c, to);
        used += w;
    }
    if (cut && width > 0) fputs("…", to), used++;
    return used;
}

json_t *json_lossy(const char *text) {
    char *bytes = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&bytes, &n);
    if (!to) return NULL;
    for (uint32_t c; (c = next_character(&text));) put_character(c, to);
    json_t *string = fclose(to) ? NULL : json_stringn(bytes, n);
    free(bytes);
    return string;
}
