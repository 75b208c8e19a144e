/* plot.c - see plot.h. */
#include "analysis/plot.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/gnuplot.h"
#include "analysis/answer.h"
#include "core/mem.h"

enum { RESULTS_APPLICATION = 0x42535252, RESULTS_VERSION = 2 }; // sim/results.sql; what version 2 adds is of no picture's concern, so 1 will do

extern const char gp_analysis_style[];
#define FIGURE(name, sql, gp, summary, missing) extern const char sql_analysis_##sql[], gp_analysis_##gp[];
#include "analysis/figures.h"
#undef FIGURE

const struct figure figures[] = {
#define FIGURE(name, sql, gp, summary, missing) {name, summary, sql_analysis_##sql, gp_analysis_##gp, missing},
#include "analysis/figures.h"
#undef FIGURE
    {0},
};

const struct figure *figure_find(const char *name) {
    for (const struct figure *f = figures; f->name; f++)
        if (!strcmp(f->name, name)) return f;
    return NULL;
}

/* Canvases of one shape, letters in proportion: one layout fits all. */
static const struct {
    const char *suffix, *terminal, *size; // size: of letters, in the terminal's unit
} formats[] = {
    [PLOT_PNG] = {"png", "pngcairo noenhanced size 1600,960 font 'Arial,25' linewidth 2.2 dashlength 0.8 pointscale 1.9", "25"},
    [PLOT_SVG] = {"svg", "svg noenhanced size 800,480 dynamic font 'Arial,12.5' linewidth 1.1 dashlength 0.8", "12.5"},
    [PLOT_PDF] = {"pdf", "pdfcairo noenhanced size 20cm,12cm font 'Arial,9' fontscale 1 linewidth 1.6 dashlength 0.8 pointscale 0.7", "9"},
    [PLOT_TERM] = {"txt", "dumb noenhanced size 100,", "1"},
};

static int prepare(sqlite3 *db, const char *path, const char *sql, sqlite3_stmt **query, struct err *err) {
    if (sqlite3_prepare_v2(db, sql, -1, query, NULL) == SQLITE_OK) return 0;
    return err_set(err, "cannot read '%s': %s", path, sqlite3_errmsg(db));
}

static int pragma(const struct plot *p, const char *sql, int *value, struct err *err) {
    sqlite3_stmt *query;
    if (prepare(p->db, p->path, sql, &query, err)) return -1;
    int rc = sqlite3_step(query);
    if (rc == SQLITE_ROW) *value = sqlite3_column_int(query, 0);
    else err_set(err, "cannot read '%s': %s", p->path, sqlite3_errmsg(p->db));
    sqlite3_finalize(query);
    return rc == SQLITE_ROW ? 0 : -1;
}

static int open_database(struct plot *p, struct err *err) {
    int application = 0, version = 0;
    if (access(p->path, R_OK)) return err_set(err, "cannot open '%s': %s", p->path, strerror(errno));
    if (sqlite3_open_v2(p->path, &p->db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        return err_set(err, "cannot open '%s': %s", p->path, p->db ? sqlite3_errmsg(p->db) : "out of memory");
    sqlite3_busy_timeout(p->db, 10000); // a sweep may be writing
    if (pragma(p, "PRAGMA application_id", &application, err) || pragma(p, "PRAGMA user_version", &version, err)) return -1;
    if (application != RESULTS_APPLICATION)
        return err_set(err, "'%s' is not a results database (application_id 0x%08x, expected 0x%08x; replay --results writes one)",
                       p->path, (unsigned)application, (unsigned)RESULTS_APPLICATION);
    if (version < 1 || version > RESULTS_VERSION)
        return err_set(err, "'%s' has results of version %d, this program reads version 1 to %d", p->path, version, RESULTS_VERSION);
    return 0;
}

static int find_experiment(struct plot *p, int64_t wanted, struct err *err) {
    sqlite3_stmt *query = NULL;
    int rc = -1;
    if (prepare(p->db, p->path,
            "SELECT e.id, e.timing, printf('%s, %s, %d prompts, %d seeds, scope %s', e.target, e.device,"
            " (SELECT count(*) FROM sequence WHERE experiment = e.id), e.seeds, e.scope)"
            " FROM experiment e WHERE ?1 IN (0, e.id) ORDER BY e.id DESC LIMIT 1", &query, err)) return -1;
    sqlite3_bind_int64(query, 1, wanted);
    if (sqlite3_step(query) == SQLITE_ROW) {
        const char *timing = (const char *)sqlite3_column_text(query, 1);
        const char *context = (const char *)sqlite3_column_text(query, 2);
        p->experiment = sqlite3_column_int64(query, 0);
        p->timing = mem_text(timing, strlen(timing), err);
        p->context = mem_text(context, strlen(context), err);
        rc = p->timing && p->context ? 0 : -1;
    } else if (wanted) err_set(err, "no experiment %lld in '%s'", (long long)wanted, p->path);
    else err_set(err, "no experiment in '%s'", p->path);
    sqlite3_finalize(query);
    return rc;
}

/* One policy word must name something; else say what there is. */
static int check_policy(const struct plot *p, const char *word, struct err *err) {
    sqlite3_stmt *query;
    if (prepare(p->db, p->path, "SELECT coalesce(sum(?2 IN (spec, name)), 0), group_concat(spec, ' ')"
            " FROM (SELECT spec, name FROM policy WHERE experiment = ?1 ORDER BY ordinal)", &query, err))
        return -1;
    sqlite3_bind_int64(query, 1, p->experiment);
    sqlite3_bind_text(query, 2, word, -1, SQLITE_STATIC);
    int rc = sqlite3_step(query) == SQLITE_ROW && sqlite3_column_int(query, 0) > 0 ? 0 : -1;
    if (rc) {
        const char *known = (const char *)sqlite3_column_text(query, 1);
        err_set(err, "no policy '%s' in experiment %lld of '%s'; it has: %s", word, (long long)p->experiment, p->path, known ? known : "none");
    }
    sqlite3_finalize(query);
    return rc;
}

static int restrict_policies(struct plot *p, const char *const *policies, int n, struct err *err) {
    if (n == 0) return 0;
    json_t *list = json_array();
    int rc = 0;
    for (int i = 0; i < n && rc == 0; i++) {
        rc = check_policy(p, policies[i], err);
        if (rc == 0 && json_array_append_new(list, json_string(policies[i])))
            rc = err_set(err, "policy '%s' is not UTF-8", policies[i]);
    }
    char *text = rc ? NULL : json_dumps(list, 0);
    if (text) p->policies = mem_text(text, strlen(text), err);
    free(text);
    json_decref(list);
    return p->policies ? 0 : -1;
}

int plot_open(struct plot *p, const char *path, int64_t experiment, const char *const *policies, int n, struct err *err) {
    *p = (struct plot){.path = path};
    if (open_database(p, err) == 0 && find_experiment(p, experiment, err) == 0
        && restrict_policies(p, policies, n, err) == 0) return 0;
    plot_close(p);
    return -1;
}

void plot_close(struct plot *p) {
    sqlite3_close(p->db);
    mem_free(p->policies);
    mem_free(p->context);
    mem_free(p->timing);
    *p = (struct plot){0};
}

static void bind_text(sqlite3_stmt *query, const char *name, const char *text) {
    int at = sqlite3_bind_parameter_index(query, name);
    if (at && text) sqlite3_bind_text(query, at, text, -1, SQLITE_STATIC);
}

static int read_figure(const struct plot *p, const struct figure *f, struct answer *t, struct err *err) {
    sqlite3_stmt *query;
    if (prepare(p->db, p->path, f->sql, &query, err)) return -1;
    sqlite3_bind_int64(query, sqlite3_bind_parameter_index(query, ":experiment"), p->experiment);
    bind_text(query, ":policies", p->policies);
    bind_text(query, ":figure", f->name);
    int rc = answer_read(t, query, err);
    sqlite3_finalize(query);
    if (rc) return err_add(err, " (figure %s of '%s')", f->name, p->path);
    if (t->rows) return 0;
    answer_close(t);
    return err_set(err, "experiment %lld of '%s' has no %s%s", (long long)p->experiment, p->path, f->missing,
                   p->policies ? " for these policies" : "");
}

bool plot_has(const struct plot *p, const struct figure *f) {
    struct answer t;
    struct err unread = {""};
    if (read_figure(p, f, &t, &unread)) return false;
    answer_close(&t);
    return true;
}

/* Lines of a page of letters: 30, more where that many policies or arms need a line each. */
static int page_lines(const struct answer *t) {
    size_t n = 20;
    for (int i = 0; i < t->columns; i++)
        if (t->column[i].level_n > n) n = t->column[i].level_n;
    return (int)n + 10;
}

/* The whole script: terminal, what the figure is about, data, style, the figure's commands. */
static void write_script(const struct plot *p, const struct figure *f, const struct answer *t, enum plot_format format, FILE *to) {
    fprintf(to, "# gnuplot %s.gp > %s.%s\n", f->name, f->name, formats[format].suffix);
    fprintf(to, "set encoding utf8\nset terminal %s", formats[format].terminal);
    if (format == PLOT_TERM) fprintf(to, "%d", page_lines(t));
    fputs("\n", to);
    fprintf(to, "figure = '%s'\nterm = %d\nsize = %s\npage = %d\n", f->name, format == PLOT_TERM, formats[format].size, page_lines(t));
    fputs("context = ", to);
    gnuplot_quote(p->context, to);
    fputs("\ntiming = ", to);
    gnuplot_quote(p->timing, to);
    putc('\n', to);
    answer_write_gnuplot(t, to);
    fputs(gp_analysis_style, to);
    fputs(f->script, to);
}

static int make_dir(const char *dir, struct err *err) {
    struct stat s;
    if (mkdir(dir, 0777) && errno != EEXIST) return err_set(err, "cannot make directory '%s': %s", dir, strerror(errno));
    if (stat(dir, &s) || !S_ISDIR(s.st_mode)) return err_set(err, "'%s' is not a directory", dir);
    return 0;
}

struct file { // appears under its name when it is whole
    char path[4096], part[4096 + 8];
    FILE *to;
};

static int file_begin(struct file *f, const char *dir, const char *name, const char *suffix, struct err *err) {
    int n = snprintf(f->path, sizeof f->path, "%s/%s.%s", dir, name, suffix);
    if (n < 0 || n >= (int)sizeof f->path) return err_set(err, "path too long: '%.80s...'", dir);
    snprintf(f->part, sizeof f->part, "%s.part", f->path);
    f->to = fopen(f->part, "w");
    return f->to ? 0 : err_set(err, "cannot write '%s': %s", f->part, strerror(errno));
}

static int file_end(struct file *f, int rc, struct err *err) {
    if (fflush(f->to) || ferror(f->to)) rc = rc ? rc : err_set(err, "cannot write '%s': %s", f->part, strerror(errno));
    fclose(f->to);
    if (rc == 0 && rename(f->part, f->path)) rc = err_set(err, "cannot rename '%s': %s", f->part, strerror(errno));
    if (rc) remove(f->part);
    else puts(f->path);
    return rc;
}

static int keep_data(const struct plot *p, const struct figure *f, const struct answer *t, const struct plot_output *out, struct err *err) {
    struct file file;
    if (out->csv) {
        if (file_begin(&file, out->dir, f->name, "csv", err)) return -1;
        answer_write_csv(t, file.to);
        if (file_end(&file, 0, err)) return -1;
    }
    if (out->script) {
        if (file_begin(&file, out->dir, f->name, "gp", err)) return -1;
        write_script(p, f, t, out->format, file.to);
        if (file_end(&file, 0, err)) return -1;
    }
    return 0;
}

/* gnuplot's letters without its form feed, the blanks that end a line and the empty lines that end the page. */
static void copy_letters(FILE *from, FILE *to) {
    int c, blanks = 0, lines = 0;
    rewind(from);
    while ((c = getc(from)) != EOF) {
        if (c == '\f') continue;
        if (c == '\n') lines++, blanks = 0;
        else if (c == ' ') blanks++;
        else {
            for (; lines; lines--) putc('\n', to);
            for (; blanks; blanks--) putc(' ', to);
            putc(c, to);
        }
    }
    putc('\n', to);
}

static int draw_letters(FILE *script, struct err *err) {
    FILE *page = tmpfile();
    if (!page) return err_set(err, "cannot make a temporary file: %s", strerror(errno));
    int rc = gnuplot_run(script, fileno(page), err);
    if (rc == 0) copy_letters(page, stdout);
    fclose(page);
    return rc;
}

static int draw_file(FILE *script, const struct figure *f, const struct plot_output *out, struct err *err) {
    struct file file;
    if (file_begin(&file, out->dir, f->name, formats[out->format].suffix, err)) return -1;
    int rc = gnuplot_run(script, fileno(file.to), err);
    struct stat s;
    if (rc == 0 && (fstat(fileno(file.to), &s) || s.st_size == 0))
        rc = err_set(err, "gnuplot drew nothing into '%s'", file.part);
    return file_end(&file, rc, err);
}

int plot_draw(const struct plot *p, const struct figure *f, const struct plot_output *out, struct err *err) {
    struct answer t;
    if ((out->format != PLOT_TERM || out->csv || out->script) && make_dir(out->dir, err)) return -1;
    if (read_figure(p, f, &t, err)) return -1;
    int rc = keep_data(p, f, &t, out, err);
    FILE *script = rc ? NULL : tmpfile();
    if (rc == 0 && !script) rc = err_set(err, "cannot make a temporary file: %s", strerror(errno));
    if (script) {
        write_script(p, f, &t, out->format, script);
        rc = out->format == PLOT_TERM ? draw_letters(script, err) : draw_file(script, f, out, err);
        fclose(script);
    }
    answer_close(&t);
    return rc;
}
