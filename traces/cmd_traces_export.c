/* cmd_traces_export.c - `banditspec traces export`: rows of a trace as CSV or JSON Lines, for pandas, DuckDB or a spreadsheet.
 *
 * A kind of row is one SQL query; its columns' names are the header. Rows stream from the file, one sequence at a time, so a trace
 * of any size can be written out. CSV is that of RFC 4180 with \n line ends; NULL is an empty field; a confidence blob becomes its
 * float32 numbers, with blanks between them in CSV and as a list in JSON. Numbers are written so that they read back exactly. */
#include <errno.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cmd.h"
#include "core/opt.h"
#include "core/progress.h"
#include "core/whole.h"
#include "traces/db.h"

command traces_export;

static const struct opt_help help = {
    .usage = "traces export [--db] TRACE [--rows drafts|steps|sequences|latency|recordings] [--format csv|jsonl --out FILE]",
    .about = "Writes rows of a trace as CSV or JSON Lines.\n"
             "  drafts      a line a position and drafter: proposed, accepted, draft_ns (and the signal, with --signal)\n"
             "  steps       a line a position: token, margin, verify_width, verify_ns\n"
             "  sequences   a line a prompt;  latency, recordings: those tables",
    .example = "  banditspec traces export run.db --rows drafts --out drafts.csv\n"
               "  banditspec traces export run.db --rows steps --format jsonl | head\n"
               "  duckdb -c \"SELECT drafter, avg(accepted) FROM 'drafts.csv' GROUP BY drafter\"",
};

#define RECORDING "?1 IN (0, r.id)"
static const struct rows {
    const char *name, *sql;
    bool by_sequence; // ?2 is a sequence's id
} kinds[] = {
    {"drafts", "SELECT r.id AS recording, q.ordinal AS sequence, q.prompt_key, q.category, q.question, f.pos, d.name AS drafter, d.kind,"
               " f.proposed, f.accepted, f.draft_ns, f.signal FROM sequence q JOIN recording r ON r.id = q.recording"
               " JOIN draft f ON f.sequence = q.id JOIN drafter d ON d.id = f.drafter WHERE q.id = ?2 AND " RECORDING " ORDER BY f.pos, d.ordinal", true},
    {"steps", "SELECT r.id AS recording, q.ordinal AS sequence, q.prompt_key, q.category, q.question, s.pos, s.token, s.margin, s.verify_width,"
              " s.verify_ns FROM sequence q JOIN recording r ON r.id = q.recording JOIN step s ON s.sequence = q.id"
              " WHERE q.id = ?2 AND " RECORDING " ORDER BY s.pos", true},
    {"sequences", "SELECT r.id AS recording, q.ordinal AS sequence, q.prompt_key, q.category, q.question, q.prompt_tokens, q.tokens, q.finish,"
                  " q.prefill_ns FROM sequence q JOIN recording r ON r.id = q.recording WHERE " RECORDING " ORDER BY r.id, q.ordinal", false},
    {"latency", "SELECT r.id AS recording, l.operation, d.name AS drafter, l.batch, l.width, l.context, l.samples, l.p10_ns, l.p50_ns, l.p90_ns"
                " FROM latency l JOIN recording r ON r.id = l.recording LEFT JOIN drafter d ON d.id = l.drafter WHERE " RECORDING " ORDER BY l.id", false},
    {"recordings", "SELECT r.* FROM recording r WHERE " RECORDING " ORDER BY r.id", false},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

struct exporter {
    const char *path, *out;
    sqlite3 *db;
    FILE *to;
    bool json, signal;
};

/* The shortest of 15 to 17 digits that reads back as the same number. */
static void put_real(FILE *to, double x) {
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x) break;
    }
    fputs(text, to);
}

static void put_json_text(FILE *to, const unsigned char *s) {
    putc('"', to);
    for (; *s; s++)
        if (*s == '"' || *s == '\\') fprintf(to, "\\%c", *s);
        else if (*s < 0x20 || *s == 0x7f) fprintf(to, "\\u%04x", *s);
        else putc(*s, to);
    putc('"', to);
}

static void put_csv_text(FILE *to, const char *s) {
    if (!strpbrk(s, ",\"\r\n")) {
        fputs(s, to);
        return;
    }
    putc('"', to);
    for (; *s; s++) {
        if (*s == '"') putc('"', to);
        putc(*s, to);
    }
    putc('"', to);
}

/* float32 little-endian; one that is no number has no place in JSON. */
static void put_floats(const struct exporter *x, const unsigned char *at, int bytes) {
    if (x->json) putc('[', x->to);
    for (int i = 0; i + 4 <= bytes; i += 4) {
        uint32_t bits = at[i] | (uint32_t)at[i + 1] << 8 | (uint32_t)at[i + 2] << 16 | (uint32_t)at[i + 3] << 24;
        float f;
        memcpy(&f, &bits, sizeof f);
        if (i) putc(x->json ? ',' : ' ', x->to);
        if (isfinite(f)) fprintf(x->to, "%.9g", (double)f);
        else fputs(x->json ? "null" : "nan", x->to);
    }
    if (x->json) putc(']', x->to);
}

static void put_value(const struct exporter *x, sqlite3_stmt *s, int i) {
    int type = sqlite3_column_type(s, i);
    if (type == SQLITE_NULL) fputs(x->json ? "null" : "", x->to);
    else if (type == SQLITE_INTEGER) fprintf(x->to, "%lld", (long long)sqlite3_column_int64(s, i));
    else if (type == SQLITE_FLOAT) put_real(x->to, sqlite3_column_double(s, i));
    else if (type == SQLITE_BLOB) put_floats(x, sqlite3_column_blob(s, i), sqlite3_column_bytes(s, i));
    else if (x->json) put_json_text(x->to, sqlite3_column_text(s, i));
    else put_csv_text(x->to, (const char *)sqlite3_column_text(s, i));
}

static bool shown(const struct exporter *x, sqlite3_stmt *s, int i) { return x->signal || strcmp(sqlite3_column_name(s, i), "signal"); }

static void put_header(const struct exporter *x, sqlite3_stmt *s) {
    for (int i = 0; !x->json && i < sqlite3_column_count(s); i++)
        if (shown(x, s, i)) fprintf(x->to, "%s%s", i ? "," : "", sqlite3_column_name(s, i));
    if (!x->json) putc('\n', x->to);
}

static int put_rows(const struct exporter *x, sqlite3_stmt *s, struct err *err) {
    int rc;
    while ((rc = db_step(x->db, x->path, s, err)) == 1) {
        if (x->json) putc('{', x->to);
        for (int i = 0; i < sqlite3_column_count(s); i++) {
            if (!shown(x, s, i)) continue;
            if (i) putc(',', x->to);
            if (x->json) fprintf(x->to, "\"%s\":", sqlite3_column_name(s, i));
            put_value(x, s, i);
        }
        fputs(x->json ? "}\n" : "\n", x->to);
        if (ferror(x->to)) rc = err_set(err, "cannot write '%s': %s", x->out ? x->out : "standard output", strerror(errno));
        if (rc < 0) break;
    }
    sqlite3_reset(s);
    return rc;
}

static int put_sequences(const struct exporter *x, sqlite3_stmt *rows, struct err *err) {
    sqlite3_stmt *q = NULL;
    int64_t n;
    if (db_int64(x->db, x->path, "SELECT count(*) FROM sequence", &n, err)) return -1;
    struct progress bar = progress_start("exporting", (long)n, 0);
    int rc = db_prepare(x->db, x->path, "SELECT id FROM sequence ORDER BY recording, ordinal", &q, err);
    for (long done = 0; !rc && (rc = db_step(x->db, x->path, q, err)) == 1; progress_step(&bar, ++done)) {
        sqlite3_bind_int64(rows, 2, sqlite3_column_int64(q, 0));
        rc = put_rows(x, rows, err);
    }
    progress_end(&bar);
    sqlite3_finalize(q);
    return rc;
}

static int export(struct exporter *x, const struct rows *kind, int recording, struct err *err) {
    sqlite3_stmt *s = NULL;
    int64_t there;
    char query[80];
    snprintf(query, sizeof query, "SELECT count(*) FROM recording WHERE %d IN (0, id)", recording);
    if (db_open_read(&x->db, x->path, &db_trace, err)) return -1;
    int rc = db_exec(x->db, x->path, "BEGIN", err); // one snapshot
    if (!rc) rc = db_int64(x->db, x->path, query, &there, err);
    if (!rc && !there && recording) rc = err_set(err, "trace '%s' holds no recording %d", x->path, recording);
    if (!rc) rc = db_prepare(x->db, x->path, kind->sql, &s, err);
    struct whole file; // begun when there is something to write
    if (!rc && !(rc = whole_begin(&file, x->out, err))) {
        x->to = file.to;
        sqlite3_bind_int64(s, 1, recording);
        put_header(x, s);
        rc = kind->by_sequence ? put_sequences(x, s, err) : put_rows(x, s, err);
        rc = whole_end(&file, rc, err);
    }
    sqlite3_finalize(s);
    db_close(&x->db);
    return rc;
}

int traces_export(int argc, char **argv, struct err *err) {
    const char *word = "drafts", *format = "csv";
    int recording = 0;
    struct exporter x = {0};
    const struct opt table[] = {
        {"db", OPT_TEXT, &x.path, "TRACE", "the trace", 0, 0, true},
        {"rows", OPT_TEXT, &word, "KIND", "drafts, steps, sequences, latency or recordings", 0, 0, false},
        {"format", OPT_TEXT, &format, "F", "csv or jsonl", 0, 0, false},
        {"out", OPT_TEXT, &x.out, "FILE", "where to, instead of standard output", 0, 0, false},
        {"recording", OPT_INT, &recording, "ID", "this recording alone; 0: all", 0, 2147483647, false},
        {"signal", OPT_FLAG, &x.signal, NULL, "drafts: the confidences as well", 0, 0, false},
        {0},
    };
    int rc = opt_parse(table, &help, argc, argv, err);
    if (rc) return rc == 1 ? 0 : rc;
    const struct rows *kind = NULL;
    for (int i = 0; i < KINDS; i++)
        if (!strcmp(word, kinds[i].name)) kind = &kinds[i];
    if (!kind) return err_usage(err, "option '--rows' wants drafts, steps, sequences, latency or recordings, got '%s'", word);
    if (strcmp(format, "csv") && strcmp(format, "jsonl")) return err_usage(err, "option '--format' wants csv or jsonl, got '%s'", format);
    x.json = !strcmp(format, "jsonl");
    if (whole_apart(x.out, x.path, err)) return ERR_FAILED;
    return export(&x, kind, recording, err);
}
