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
#include "analysis/functions.h"
#include "analysis/swept.h"
#include "core/mem.h"
#include "traces/db.h"

enum { RESULTS_APPLICATION = 0x42535252, RESULTS_VERSION = 3 }; // sim/results.sql; what an earlier version lacks is missing data

extern const char gp_analysis_style[];
#define FIGURE(name, sql, gp, source, rows, summary, missing, made_by, caption) extern const char sql_analysis_##sql[], gp_analysis_##gp[];
#include "analysis/figures.h"
#undef FIGURE

const struct figure figures[] = {
#define FIGURE(name, sql, gp, source, rows, summary, missing, made_by, caption) \
    {name, summary, sql_analysis_##sql, gp_analysis_##gp, rows, FIGURE_##source, missing, made_by, caption},
#include "analysis/figures.h"
#undef FIGURE
    {0},
};

const struct figure *figure_find(const char *name) {
    for (const struct figure *f = figures; f->name; f++)
        if (!strcmp(f->name, name)) return f;
    return NULL;
}

/* Canvases of one width, letters in proportion: one layout fits all. A picture of many policies is taller: style.gp says how many lines of
 * text it has, 31 as a rule, and fills in its height. */
static const struct {
    const char *suffix, *terminal; // the latter for gnuplot's sprintf, with a height
    const char *height, *size;     // of 31 lines, and of letters, in the terminal's unit
} formats[] = {
    [PLOT_PNG] = {"png", "pngcairo noenhanced size 1600,%.0f font 'Arial,25' linewidth 2.2 dashlength 0.8 pointscale 1.9", "960", "25"},
    [PLOT_SVG] = {"svg", "svg noenhanced size 800,%.0f dynamic font 'Arial,12.5' linewidth 1.1 dashlength 0.8", "480", "12.5"},
    [PLOT_PDF] = {"pdf", "pdfcairo noenhanced size 20cm,%.2fcm font 'Arial,9' fontscale 1 linewidth 1.6 dashlength 0.8 pointscale "
        "0.7", "12", "9"},
    [PLOT_TERM] = {"txt", "dumb noenhanced size 100,%.0f", "31", "1"},
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
    if (db_open_any(&p->db, p->path, err)) return -1; // patient: a sweep may be writing
    if (pragma(p, "PRAGMA application_id", &application, err) || pragma(p, "PRAGMA user_version", &version, err)) return -1;
    if (application != RESULTS_APPLICATION)
        return err_set(err, "'%s' is not a results database (application_id 0x%08x, expected 0x%08x; replay --results writes one)",
                       p->path, (unsigned)application, (unsigned)RESULTS_APPLICATION);
    if (version < 1 || version > RESULTS_VERSION)
        return err_set(err, "'%s' has results of version %d, this program reads version 1 to %d", p->path, version, RESULTS_VERSION);
    return 0;
}

/* A path's last part. */
#define FILE_NAME(path) "replace(" path ", rtrim(" path ", replace(" path ", '/', '')), '')"

#define PLURAL(n) "CASE " n " WHEN 1 THEN '' ELSE 's' END"

/* What is drawn, by its source: an id, a line of context, and what seconds are; ?1: the id wanted (0: the newest), ?2: the file's path. */
static const char *const contents[FIGURE_SOURCES] = {
    [FIGURE_EXPERIMENT] =
        "SELECT e.id, printf('%s, %s, %d prompts, %d seed%s, scope %s, %s', e.target, e.device,"
        " (SELECT count(*) FROM sequence WHERE experiment = e.id), e.seeds, " PLURAL("e.seeds") ", e.scope, " FILE_NAME("e.trace") "), "
            "e.timing"
        " FROM experiment e WHERE ?1 IN (0, e.id) ORDER BY e.id DESC LIMIT 1",
    [FIGURE_SERVING] =
        "SELECT s.id, printf('%s, %s, %d requests, %s, %d seed%s, passes %s, %s', s.target, s.device, s.requests,"
        " CASE s.arrivals WHEN 'closed' THEN 'closed loop' ELSE s.arrivals || CASE WHEN s.rate > 0 THEN printf(' %g/s', s.rate) ELSE '' "
            "END END,"
        " s.seeds, " PLURAL("s.seeds") ", s.passes, " FILE_NAME("s.trace") ") FROM serving s WHERE ?1 IN (0, s.id) ORDER BY s.id DESC "
            "LIMIT 1",
    [FIGURE_FIDELITY] =
        "SELECT f.id, printf('%s, %s, %d threads, %d prompts, scope %s, %s', f.target, f.device, f.threads,"
        " (SELECT count(DISTINCT sequence) FROM fidelity_run WHERE fidelity = f.id), f.scope, " FILE_NAME("f.trace") ")"
        " FROM fidelity f WHERE ?1 IN (0, f.id) ORDER BY f.id DESC LIMIT 1",
    [FIGURE_TRACE] =
        "SELECT r.id, printf('%s, %s, %d threads, %d prompts, %d positions, %s', r.target, r.device, r.threads,"
        " (SELECT count(*) FROM sequence WHERE recording = r.id), (SELECT sum(tokens - 1) FROM sequence WHERE recording = r.id), "
        FILE_NAME("?2") ") FROM recording r WHERE ?1 IN (0, r.id) ORDER BY r.id DESC LIMIT 1",
};

/* The first row of such a query; 0 also where there is none. */
static int find(struct plot *p, enum figure_source source, int64_t wanted, int64_t *id, struct err *err) {
    sqlite3 *db = source == FIGURE_TRACE ? p->trace : p->db;
    const char *path = source == FIGURE_TRACE ? p->trace_path : p->path;
    sqlite3_stmt *query = NULL;
    if (prepare(db, path, contents[source], &query, err)) return -1;
    sqlite3_bind_int64(query, 1, wanted);
    if (sqlite3_bind_parameter_count(query) > 1) sqlite3_bind_text(query, 2, path, -1, SQLITE_STATIC);
    int rc = 0, step = sqlite3_step(query);
    if (step == SQLITE_ROW) {
        const char *words = (const char *)sqlite3_column_text(query, 1), *timing = (const char *)sqlite3_column_text(query, 2);
        *id = sqlite3_column_int64(query, 0);
        if (!(p->context[source] = mem_text(words ? words : "", words ? strlen(words) : 0, err))) rc = -1;
        if (!rc && timing && !(p->timing = mem_text(timing, strlen(timing), err))) rc = -1;
    } else if (step != SQLITE_DONE) rc = err_set(err, "cannot read '%s': %s", path, sqlite3_errmsg(db));
    sqlite3_finalize(query);
    return rc;
}

static bool has_table(sqlite3 *db, const char *name) {
    sqlite3_stmt *query;
    const char *sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?";
    if (sqlite3_prepare_v2(db, sql, -1, &query, NULL) != SQLITE_OK) return false;
    sqlite3_bind_text(query, 1, name, -1, SQLITE_STATIC);
    bool there = sqlite3_step(query) == SQLITE_ROW;
    sqlite3_finalize(query);
    return there;
}

static int find_contents(struct plot *p, int64_t wanted, struct err *err) {
    if (find(p, FIGURE_EXPERIMENT, wanted, &p->experiment, err)) return -1;
    if (has_table(p->db, "serving") && find(p, FIGURE_SERVING, 0, &p->serving, err)) return -1;
    if (has_table(p->db, "fidelity") && find(p, FIGURE_FIDELITY, 0, &p->fidelity, err)) return -1;
    if (wanted && !p->experiment) return err_set(err, "no experiment %lld in '%s'", (long long)wanted, p->path);
    return p->experiment || p->serving || p->fidelity ? 0 : err_set(err, "no experiment in '%s'", p->path);
}

/* Whether a server's or a live run's policies are called so. */
static bool named_elsewhere(const struct plot *p, const char *word) {
#define NAMED " ?1 IN (spec, substr(spec, 1, instr(spec || ':', ':') - 1))"
    static const char *const tables[] = {"SELECT 1 FROM serving_row WHERE kind = 'policy' AND" NAMED, "SELECT 1 FROM fidelity_run "
        "WHERE" NAMED};
    bool there = false;
    for (int i = 0; i < 2 && !there; i++) {
        sqlite3_stmt *query;
        if (sqlite3_prepare_v2(p->db, tables[i], -1, &query, NULL) != SQLITE_OK) continue; // no such table
        sqlite3_bind_text(query, 1, word, -1, SQLITE_STATIC);
        there = sqlite3_step(query) == SQLITE_ROW;
        sqlite3_finalize(query);
    }
    return there;
}

/* One policy word must name something; else say what there is. */
static int check_policy(const struct plot *p, const char *word, struct err *err) {
    sqlite3_stmt *query;
    if (named_elsewhere(p, word)) return 0;
    if (prepare(p->db, p->path, "SELECT coalesce(sum(?2 IN (spec, name)), 0), group_concat(spec, ' ')"
            " FROM (SELECT spec, name FROM policy WHERE experiment = ?1 ORDER BY ordinal)", &query, err))
        return -1;
    sqlite3_bind_int64(query, 1, p->experiment);
    sqlite3_bind_text(query, 2, word, -1, SQLITE_STATIC);
    int rc = sqlite3_step(query) == SQLITE_ROW && sqlite3_column_int(query, 0) > 0 ? 0 : -1;
    if (rc) {
        const char *known = (const char *)sqlite3_column_text(query, 1);
        err_set(err, "no policy '%s' in experiment %lld of '%s'; it has: %s", word, (long long)p->experiment, p->path,
                known ? known : "none");
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

/* What queries share: a policy's style is its place among those of its kind, 0, 1, 2... in the order of the command line, and
 * -1, -2... of the oracles; so colours stay whatever is shown. */
static const char shared[] = SWEPT_TABLE ";"
    "CREATE TEMP VIEW styled AS SELECT *,"
    " (1 - 2 * oracle) * (row_number() OVER (PARTITION BY experiment, oracle ORDER BY ordinal) - 1) - oracle AS style FROM policy";

int plot_open(struct plot *p, const char *path, int64_t experiment, const char *const *policies, int n, struct err *err) {
    *p = (struct plot){.path = path};
    if (open_database(p, err) == 0 && functions_add(p->db, err) == 0 && db_exec(p->db, path, shared, err) == 0
        && find_contents(p, experiment, err) == 0 && restrict_policies(p, policies, n, err) == 0) return 0;
    plot_close(p);
    return -1;
}

int plot_open_trace(struct plot *p, const char *path, int64_t recording, struct err *err) {
    int64_t several = 0;
    p->trace_path = path;
    if (db_open_read(&p->trace, path, &db_trace, err) || functions_add(p->trace, err)
        || db_int64(p->trace, path, "SELECT count(*) FROM recording", &several, err)) return -1;
    if (!recording && several > 1)
        return err_set(err, "'%s' holds %lld recordings: give --recording ID (banditspec traces info lists them)", path,
            (long long)several);
    if (find(p, FIGURE_TRACE, recording, &p->recording, err)) return -1;
    if (!p->recording && recording) return err_set(err, "no recording %lld in '%s'", (long long)recording, path);
    return p->recording ? 0 : err_set(err, "no recording in '%s'", path);
}

void plot_close(struct plot *p) {
    sqlite3_close(p->db);
    if (p->trace) db_close(&p->trace);
    mem_free(p->policies);
    for (int i = 0; i < FIGURE_SOURCES; i++) mem_free(p->context[i]);
    mem_free(p->timing);
    *p = (struct plot){0};
}

static void bind_text(sqlite3_stmt *query, const char *name, const char *text) {
    int at = sqlite3_bind_parameter_index(query, name);
    if (at && text) sqlite3_bind_text(query, at, text, -1, SQLITE_STATIC);
}

static void bind_id(sqlite3_stmt *query, const char *name, int64_t id) {
    int at = sqlite3_bind_parameter_index(query, name);
    if (at) sqlite3_bind_int64(query, at, id);
}

/* Which row of which file a figure is drawn from. */
struct origin {
    sqlite3 *db;
    const char *path, *word, *option;
    int64_t id;
};

static struct origin origin_of(const struct plot *p, const struct figure *f) {
    switch (f->source) {
        case FIGURE_TRACE: return (struct origin){p->trace, p->trace_path, "recording", "--db T", p->recording};
        case FIGURE_SERVING: return (struct origin){p->db, p->path, "simulated server", "--results R", p->serving};
        case FIGURE_FIDELITY: return (struct origin){p->db, p->path, "fidelity run", "--results R", p->fidelity};
        default: return (struct origin){p->db, p->path, "experiment", "--results R", p->experiment};
    }
}

static int missing(const struct plot *p, const struct figure *f, const struct origin *o, struct err *err) {
    const char *what = f->source == FIGURE_EXPERIMENT && !o->id ? o->word : f->missing;
    if (!o->id) err_set(err, "'%s' has no %s, which figure '%s' is drawn from", o->path, what, f->name);
    else err_set(err, "%s %lld of '%s' has no %s%s", o->word, (long long)o->id, o->path, what, p->policies ? " for these policies" : "");
    return err_add(err, "; %s writes %s", f->made_by, f->source == FIGURE_TRACE ? "them" : "one");
}

static int read_figure(const struct plot *p, const struct figure *f, struct answer *t, struct err *err) {
    const struct origin o = origin_of(p, f);
    sqlite3_stmt *query;
    if (!o.db) return err_set(err, "figure '%s' is drawn from a %s: give %s", f->name, f->source == FIGURE_TRACE ? "trace" : "results file",
                              o.option);
    if (!o.id) return missing(p, f, &o, err);
    if (strstr(f->sql, "temp.swept") && swept_fill(p->db, p->path, p->experiment, p->policies, err)) return -1;
    if (sqlite3_prepare_v2(o.db, f->sql, -1, &query, NULL) != SQLITE_OK) { // tables of a later version than the file's
        if (strstr(sqlite3_errmsg(o.db), "no such table")) return missing(p, f, &o, err);
        return err_set(err, "cannot read '%s': %s", o.path, sqlite3_errmsg(o.db));
    }
    bind_id(query, ":experiment", p->experiment);
    bind_id(query, ":serving", p->serving);
    bind_id(query, ":fidelity", p->fidelity);
    bind_id(query, ":recording", p->recording);
    bind_text(query, ":policies", p->policies);
    bind_text(query, ":figure", f->name);
    int rc = answer_read(t, query, err);
    sqlite3_finalize(query);
    if (rc) return err_add(err, " (figure %s of '%s')", f->name, o.path);
    if (t->rows) return 0;
    answer_close(t);
    return missing(p, f, &o, err);
}

bool plot_has(const struct plot *p, const struct figure *f) {
    struct answer t;
    struct err unread = {""};
    if (read_figure(p, f, &t, &unread)) return false;
    answer_close(&t);
    return true;
}

/* The whole script: what the figure is about, data, style (which sets the terminal), the figure's commands. */
static void write_script(const struct plot *p, const struct figure *f, const struct answer *t, enum plot_format format, FILE *to) {
    fprintf(to, "# gnuplot %s.gp > %s.%s\n", f->name, f->name, formats[format].suffix);
    fprintf(to, "set encoding utf8\nfigure = '%s'\nterm = %d\n", f->name, format == PLOT_TERM);
    fprintf(to, "terminal = \"%s\"\nheight = %s\nsize = %s\n", formats[format].terminal, formats[format].height, formats[format].size);
    fputs("context = ", to);
    gnuplot_quote(p->context[f->source], to);
    fputs("\ntiming = ", to);
    gnuplot_quote(p->timing ? p->timing : "", to);
    putc('\n', to);
    answer_write_gnuplot(t, to);
    fprintf(to, "rows = %s\n", f->rows);
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

/* gnuplot's SVG with the figure's summary for a title, and without those of its parts, which are pieces of script that a browser
 * would show where the mouse rests. */
static void copy_svg(FILE *from, const struct figure *f, FILE *to) {
    char *line = NULL;
    size_t room = 0;
    rewind(from);
    while (getline(&line, &room, from) >= 0) {
        char *title = strstr(line, "<title>"), *end = title ? strstr(title, "</title>") : NULL;
        if (!end) {
            fputs(line, to);
            continue;
        }
        fprintf(to, "%.*s", (int)(title - line), line);
        if (title == line) fprintf(to, "<title>%s: %s</title>", f->name, f->summary);
        fputs(end + strlen("</title>"), to);
    }
    free(line);
}

static int draw_svg(FILE *script, const struct figure *f, FILE *to, struct err *err) {
    FILE *page = tmpfile();
    if (!page) return err_set(err, "cannot make a temporary file: %s", strerror(errno));
    int rc = gnuplot_run(script, fileno(page), err);
    if (rc == 0) copy_svg(page, f, to);
    fclose(page);
    return rc;
}

static int draw_file(FILE *script, const struct figure *f, const struct plot_output *out, struct err *err) {
    struct file file;
    if (file_begin(&file, out->dir, f->name, formats[out->format].suffix, err)) return -1;
    int rc = out->format == PLOT_SVG ? draw_svg(script, f, file.to, err) : gnuplot_run(script, fileno(file.to), err);
    if (rc == 0) fflush(file.to);
    struct stat s;
    if (rc == 0 && (fstat(fileno(file.to), &s) || s.st_size == 0))
        rc = err_set(err, "gnuplot drew nothing into '%s'", file.part);
    return file_end(&file, rc, err);
}

static int draw_memory(FILE *script, const struct figure *f, char **svg, struct err *err) {
    FILE *picture = tmpfile();
    if (!picture) return err_set(err, "cannot make a temporary file: %s", strerror(errno));
    int rc = draw_svg(script, f, picture, err);
    long n = rc || fseek(picture, 0, SEEK_END) ? 0 : ftell(picture);
    rewind(picture);
    if (!rc && n <= 0) rc = err_set(err, "gnuplot drew nothing of '%s'", f->name);
    if (!rc && !(*svg = mem_alloc((size_t)n + 1, 1, "a picture", err))) rc = -1;
    if (!rc && fread(*svg, 1, (size_t)n, picture) != (size_t)n) rc = err_set(err, "cannot read the picture of '%s'", f->name);
    fclose(picture);
    return rc;
}

int plot_answer_svg(const struct plot *p, const struct figure *f, const struct answer *t, char **svg, struct err *err) {
    FILE *script = tmpfile();
    int rc = script ? 0 : err_set(err, "cannot make a temporary file: %s", strerror(errno));
    *svg = NULL;
    if (!rc) {
        write_script(p, f, t, PLOT_SVG, script);
        rc = draw_memory(script, f, svg, err);
        fclose(script);
    }
    if (!rc) return 0;
    mem_free(*svg);
    *svg = NULL;
    return rc;
}

int plot_svg(const struct plot *p, const struct figure *f, char **svg, struct err *err) {
    struct answer t;
    *svg = NULL;
    if (read_figure(p, f, &t, err)) return -1;
    int rc = plot_answer_svg(p, f, &t, svg, err);
    answer_close(&t);
    return rc;
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
