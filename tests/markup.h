/* markup.h - is a page well-formed? Tags open and close in order, attributes are quoted, ids are there once, and what refers to an id
 * finds it. */
#ifndef TESTS_MARKUP_H
#define TESTS_MARKUP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MARKUP_DEPTH = 64, MARKUP_IDS = 4096 };

struct markup {
    char open[MARKUP_DEPTH][24], ids[MARKUP_IDS][96];
    int depth, n;
};

/* The tag's attributes, from its name's end to `end`: name="value" apart by blanks. */
static inline void markup_attributes(struct markup *m, const char *at, const char *end) {
    while (at < end) {
        if (strchr(" \n/", *at)) {
            at++;
            continue;
        }
        const char *equals = at + strcspn(at, "=> \n");
        if (*equals != '=' || equals[1] != '"') fail_msg("attribute without a quoted value: %.60s", at);
        const char *close = strchr(equals + 2, '"');
        if (!close || close > end) fail_msg("attribute is not closed: %.60s", at);
        for (const char *c = equals + 2; c < close; c++)
            if (*c == '<') fail_msg("'<' inside an attribute: %.60s", at);
        if (!strncmp(at, "id=", 3)) {
            if (m->n == MARKUP_IDS) fail_msg("too many ids");
            snprintf(m->ids[m->n], sizeof *m->ids, "%.*s", (int)(close - equals - 2), equals + 2);
            for (int i = 0; i < m->n; i++)
                if (!strcmp(m->ids[i], m->ids[m->n])) fail_msg("id '%s' is there twice", m->ids[i]);
            m->n++;
        }
        at = close + 1;
    }
}

static inline void markup_references(const struct markup *m, const char *html) {
    for (const char *at = html; (at = strstr(at, "href=\"#")); at += 7) {
        bool found = false;
        size_t n = strcspn(at + 7, "\"");
        for (int i = 0; i < m->n && !found; i++) found = strlen(m->ids[i]) == n && !strncmp(m->ids[i], at + 7, n);
        if (!found) fail_msg("nothing has the id of %.60s", at);
    }
}

/* '&' begins one of the five names that are written. */
static inline void markup_text(const char *html) {
    const char *body = strstr(html, "<body>");
    for (const char *at = body; (at = strchr(at, '&')); at++)
        if (strncmp(at, "&amp;", 5) && strncmp(at, "&lt;", 4) && strncmp(at, "&gt;", 4) && strncmp(at, "&quot;", 6)
            && strncmp(at, "&nbsp;", 6)) fail_msg("a bare '&': %.40s", at);
}

static inline void assert_markup(const char *html) {
    static struct markup m;
    static const char *const alone[] = {"meta", "link", "br"};
    m.depth = m.n = 0;
    if (strncmp(html, "<!DOCTYPE html>\n", 16)) fail_msg("no doctype");
    for (const char *at = html + 16; (at = strchr(at, '<'));) {
        bool closing = at[1] == '/', single = false;
        const char *name = at + 1 + closing, *end = strchr(name, '>');
        size_t n = strcspn(name, " \n/>");
        if (!end || n == 0 || n > 20) fail_msg("no tag: %.60s", at);
        for (size_t i = 0; i < sizeof alone / sizeof *alone; i++) single |= strlen(alone[i]) == n && !strncmp(name, alone[i], n);
        if (closing) {
            if (!m.depth || strlen(m.open[m.depth - 1]) != n
                || strncmp(m.open[m.depth - 1], name, n)) fail_msg("closes '%.*s', open is '%s'", (int)n, name, m.depth
                ? m.open[m.depth - 1] : "nothing");
            m.depth--;
        } else {
            markup_attributes(&m, name + n, end);
            if (!single && end[-1] != '/') {
                if (m.depth == MARKUP_DEPTH) fail_msg("too deep");
                snprintf(m.open[m.depth++], sizeof *m.open, "%.*s", (int)n, name);
            }
            if (n == 5 && !strncmp(name, "style", 5)) end = strstr(end, "</style") - 1;
        }
        at = end + 1;
    }
    if (m.depth) fail_msg("'%s' is not closed", m.open[m.depth - 1]);
    markup_references(&m, html);
    markup_text(html);
}

#endif
