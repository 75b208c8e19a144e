/* answer.c - see answer.h. */
#include "analysis/answer.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "core/mem.h"

static int level_of(struct answer_column *c, const char *text, double *level, struct err *err) {
    for (size_t i = 0; i < c->level_n; i++)
        if (!strcmp(c->levels[i], text)) {
            *level = (double)i + 1;
            return 0;
        }
    if (mem_grow(&c->levels, &c->level_cap, c->level_n + 1, sizeof *c->levels, "factor levels", err)) return -1;
    if (!(c->levels[c->level_n] = mem_text(text, strlen(text), err))) return -1;
    *level = (double)++c->level_n;
    return 0;
}

static int read_row(struct answer *t, sqlite3_stmt *query, struct err *err) {
    if (mem_grow(&t->cell, &t->cap, (t->rows + 1) * (size_t)t->columns, sizeof *t->cell, "table", err)) return -1;
    double *row = t->cell + t->rows++ * (size_t)t->columns;
    for (int i = 0; i < t->columns; i++) {
        row[i] = NAN;
        int type = sqlite3_column_type(query, i);
        if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) row[i] = sqlite3_column_double(query, i);
        if (type != SQLITE_TEXT) continue;
        t->column[i].text = true;
        if (level_of(&t->column[i], (const char *)sqlite3_column_text(query, i), &row[i], err)) return -1;
    }
    return 0;
}

int answer_read(struct answer *t, sqlite3_stmt *query, struct err *err) {
    *t = (struct answer){.columns = sqlite3_column_count(query)};
    int rc = 0;
    if (t->columns > ANSWER_COLUMNS) {
        int n = t->columns;
        t->columns = 0;
        return err_set(err, "a query of %d columns, at most %d fit a table", n, ANSWER_COLUMNS);
    }
    for (int i = 0; i < t->columns; i++) {
        const char *name = sqlite3_column_name(query, i);
        if (!(t->column[i].name = mem_text(name, strlen(name), err))) goto fail;
    }
    while ((rc = sqlite3_step(query)) == SQLITE_ROW)
        if (read_row(t, query, err)) goto fail;
    if (rc == SQLITE_DONE) return 0;
    err_set(err, "query fails: %s", sqlite3_errmsg(sqlite3_db_handle(query)));
fail:
    answer_close(t);
    return -1;
}

void answer_close(struct answer *t) {
    for (int i = 0; i < t->columns; i++) {
        for (size_t k = 0; k < t->column[i].level_n; k++) mem_free(t->column[i].levels[k]);
        mem_free(t->column[i].levels);
        mem_free(t->column[i].name);
    }
    mem_free(t->cell);
    *t = (struct answer){0};
}

/* Bytes of the UTF-8 character at `s` (RFC 3629, section 4), 0 when there is none. */
static int utf8_length(const unsigned char *s) {
    int n = *s < 0x80 ? 1 : *s >= 0xC2 && *s < 0xE0 ? 2 : *s >= 0xE0 && *s < 0xF0 ? 3 : *s >= 0xF0 && *s < 0xF5 ? 4 : 0;
    for (int i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80) return 0;
    if ((*s == 0xE0 && s[1] < 0xA0) || (*s == 0xED && s[1] > 0x9F)) return 0; // overlong, surrogates
    if ((*s == 0xF0 && s[1] < 0x90) || (*s == 0xF4 && s[1] > 0x8F)) return 0; // overlong, past U+10FFFF
    return n;
}

void gnuplot_quote(const char *text, FILE *to) {
    bool escaped = false; // the byte before: gnuplot takes every octal digit after a backslash, so digits follow escaped too
    putc('"', to);
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        int n = utf8_length(s);
        bool bad = n == 0 || *s < 0x20 || *s == 0x7F;
        escaped = !bad && n == 1 && (isdigit(*s) ? escaped : !isalpha(*s) && !strchr(" _.,:;=+-/()<>", *s));
        if (bad) putc('?', to);
        else if (escaped) fprintf(to, "\\%03o", *s);
        else fwrite(s, 1, (size_t)n, to);
        s += n ? n : 1;
    }
    putc('"', to);
}

static void write_number(double x, FILE *to) {
    if (isnan(x)) fputs("NaN", to);
    else fprintf(to, "%.10g", x);
}

static void write_block_break(const struct answer *t, size_t r, FILE *to) {
    const double *row = t->cell + r * (size_t)t->columns, *before = row - t->columns;
    if (row[0] != before[0]) fputs("\n\n", to);
    else if (t->columns > 1 && t->column[1].text && row[1] != before[1]) fputs("\n", to);
}

void answer_write_gnuplot(const struct answer *t, FILE *to) {
    for (int i = 0; i < t->columns; i++) {
        const struct answer_column *c = &t->column[i];
        fprintf(to, "c_%s = %d\n", c->name, i + 1);
        if (!c->level_n) continue;
        fprintf(to, "array %s[%zu]\n", c->name, c->level_n);
        for (size_t k = 0; k < c->level_n; k++) {
            fprintf(to, "%s[%zu] = ", c->name, k + 1);
            gnuplot_quote(c->levels[k], to);
            putc('\n', to);
        }
    }
    fputs("$data << END_OF_DATA\n", to);
    for (size_t r = 0; r < t->rows; r++) {
        if (r) write_block_break(t, r, to);
        for (int i = 0; i < t->columns; i++) {
            if (i) putc(' ', to);
            write_number(t->cell[r * (size_t)t->columns + (size_t)i], to);
        }
        putc('\n', to);
    }
    fputs("END_OF_DATA\n", to);
}

static void write_csv_text(const char *text, FILE *to) {
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, to);
        return;
    }
    putc('"', to);
    for (; *text; text++) {
        if (*text == '"') putc('"', to);
        putc(*text, to);
    }
    putc('"', to);
}

void answer_write_csv(const struct answer *t, FILE *to) {
    for (int i = 0; i < t->columns; i++) fprintf(to, "%s%s", i ? "," : "", t->column[i].name);
    putc('\n', to);
    for (size_t r = 0; r < t->rows; r++)
        for (int i = 0; i < t->columns; i++) {
            double x = t->cell[r * (size_t)t->columns + (size_t)i];
            if (i) putc(',', to);
            if (t->column[i].text && !isnan(x)) write_csv_text(t->column[i].levels[(size_t)x - 1], to);
            else if (!isnan(x)) write_number(x, to); // NULL is an empty field
            if (i == t->columns - 1) putc('\n', to);
        }
}
