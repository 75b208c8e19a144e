/* db.c - see db.h. https://www.sqlite.org/{rescode,wal,uri}.html */
#include "traces/db.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "core/mem.h"

extern const char sql_traces_schema[];

const struct db_kind db_trace = {
    .word = "trace", .schema = sql_traces_schema, .application = 0x42535043, .version = 1,
};

enum { PATIENCE_MS = 10000 };

/* Does the file's directory exist and refuse new files? */
static bool closed_directory(const char *path) {
    const char *slash = strrchr(path, '/');
    char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    bool closed = directory && !access(directory, F_OK) && faccessat(AT_FDCWD, directory, W_OK, AT_EACCESS);
    free(directory);
    return closed;
}

int db_fail(sqlite3 *db, const char *path, struct err *err) {
    int os = sqlite3_system_errno(db) ? sqlite3_system_errno(db) : errno; // a failed COMMIT keeps only errno
    const char *cause = sqlite3_errmsg(db);
    switch (sqlite3_errcode(db) & 0xff) {
    case SQLITE_FULL:
        return err_set(err, "cannot write '%s': the disk or the quota is full", path);
    case SQLITE_IOERR:
        return err_set(err, "cannot read or write '%s': %s", path, os ? strerror(os) : cause);
    case SQLITE_READONLY:
        return err_set(err, "cannot write '%s': the file or its directory is read-only", path);
    case SQLITE_BUSY:
        return err_set(err, "'%s' is locked by another process (waited %d s)", path, PATIENCE_MS / 1000);
    case SQLITE_CORRUPT:
        return err_set(err, "'%s' is damaged: %s", path, cause);
    case SQLITE_NOTADB:
        return err_set(err, "'%s' is damaged: its first page is no SQLite header", path);
    case SQLITE_CONSTRAINT:
        return err_set(err, "'%s' refuses a row: %s", path, cause);
    case SQLITE_CANTOPEN: // SQLite tries once more, for reading only, and reports that attempt's error
        if (os == ENOENT && closed_directory(path)) os = EACCES;
        return err_set(err, "cannot open '%s' or its journal: %s", path, os ? strerror(os) : cause);
    default:
        return err_set(err, "query of '%s' failed: %s", path, cause);
    }
}

int db_exec(sqlite3 *db, const char *path, const char *sql, struct err *err) {
    errno = 0; // db_fail looks at it
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_fail(db, path, err);
}

int db_prepare(sqlite3 *db, const char *path, const char *sql, sqlite3_stmt **s, struct err *err) {
    return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, s, NULL) == SQLITE_OK ? 0 : db_fail(db, path, err);
}

int db_step(sqlite3 *db, const char *path, sqlite3_stmt *s, struct err *err) {
    errno = 0; // db_fail looks at it
    int rc = sqlite3_step(s);
    return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : db_fail(db, path, err);
}

int db_int64(sqlite3 *db, const char *path, const char *sql, int64_t *value, struct err *err) {
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(db, path, sql, &s, err);
    if (rc == 0) rc = db_step(db, path, s, err);
    if (rc == 0) rc = err_set(err, "query of '%s' gave no row: %s", path, sql);
    if (rc == 1) *value = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return rc == 1 ? 0 : -1;
}

/* Refuses what SQLite would take for an empty database, or touch before it notices: a short
 * text file, a directory. `exists` tells whether there is a file with content. */
static int look(const char *path, const struct db_kind *kind, bool *exists, struct err *err) {
    static const char magic[16] = "SQLite format 3"; // file format, section 1.3.1
    char head[16];
    struct stat st;
    *exists = false;
    if (stat(path, &st)) {
        if (errno == ENOENT) return 0;
        return err_set(err, "cannot open %s '%s': %s", kind->word, path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) return err_set(err, "'%s' is not a banditspec %s: it is no regular file", path, kind->word);
    if (st.st_size == 0) return 0;
    *exists = true;
    FILE *f = fopen(path, "rb");
    if (!f) return err_set(err, "cannot open %s '%s': %s", kind->word, path, strerror(errno));
    size_t n = fread(head, 1, sizeof head, f);
    int failed = ferror(f) ? errno : 0;
    fclose(f);
    if (failed) return err_set(err, "cannot read %s '%s': %s", kind->word, path, strerror(failed));
    if (n < sizeof head || memcmp(head, magic, sizeof magic))
        return err_set(err, "'%s' is not a banditspec %s: it is no SQLite database", path, kind->word);
    return 0;
}

/* 1 for a file with our schema, 2 for an earlier version that can be upgraded, 0 for an empty database, < 0 for anything else. */
static int identify_snapshot(sqlite3 *db, const char *path, const struct db_kind *kind, struct err *err) {
    int64_t application, version, objects;
    if (db_int64(db, path, "SELECT count(*) FROM sqlite_schema", &objects, err)
        || db_int64(db, path, "PRAGMA application_id", &application, err)
        || db_int64(db, path, "PRAGMA user_version", &version, err)) return -1;
    if (application == 0 && version == 0 && objects == 0) return 0;
    if (application != kind->application)
        return err_set(err, "'%s' is not a banditspec %s: its application_id is 0x%08x, not 0x%08x",
                       path, kind->word, (unsigned)application, (unsigned)kind->application);
    if (kind->upgrades && version >= 1 && version < kind->version) return 2;
    if (version != kind->version)
        return err_set(err, "%s '%s' has schema version %lld, this program reads %d", kind->word, path, (long long)version, kind->version);
    return 1;
}

/* All three numbers of one moment: another process may be creating the file. */
static int identify(sqlite3 *db, const char *path, const struct db_kind *kind, struct err *err) {
    if (db_exec(db, path, "SAVEPOINT identify", err)) return -1;
    int rc = identify_snapshot(db, path, kind, err);
    if (rc >= 0) sqlite3_exec(db, "RELEASE identify", NULL, NULL, NULL); // else the connection is closed, and its error code tells why
    return rc;
}

int db_identify(sqlite3 *db, const char *path, const struct db_kind *kind, struct err *err) {
    int rc = identify(db, path, kind, err);
    if (rc == 2) return err_set(err, "%s '%s' has an earlier schema version than %d: the next command that writes to it upgrades it", kind->word, path, kind->version);
    return rc == 0 ? err_set(err, "'%s' is not a banditspec %s: the database is empty", path, kind->word) : rc < 0 ? -1 : 0;
}

/* The whole schema, with what later versions add, or nothing. Another process may have been first: look again under the lock. */
static int create(sqlite3 *db, const char *path, const struct db_kind *kind, struct err *err) {
    if (db_exec(db, path, "BEGIN IMMEDIATE", err)) return -1;
    int rc = identify(db, path, kind, err);
    bool fresh = rc == 0;
    if (fresh) rc = db_exec(db, path, kind->schema, err);
    int64_t version = 0;
    if (rc >= 0 && rc != 1 && kind->upgrades) rc = db_int64(db, path, "PRAGMA user_version", &version, err);
    for (; rc >= 0 && rc != 1 && kind->upgrades && version < kind->version; version++) rc = db_exec(db, path, kind->upgrades[version - 1], err);
    if (rc >= 0) rc = db_exec(db, path, "COMMIT", err);
    if (rc < 0) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

/* Two that create a file may meet where it becomes a WAL database, and there SQLite has no patience: a second of ours. */
static void wait_for_wal(sqlite3 *db) {
    sqlite3_busy_timeout(db, 0);
    for (int i = 0; i < 50 && sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) == SQLITE_BUSY; i++) sqlite3_sleep(20);
    sqlite3_busy_timeout(db, PATIENCE_MS);
}

int db_open(sqlite3 **db, const char *path, const struct db_kind *kind, struct err *err) {
    bool exists;
    *db = NULL;
    if (look(path, kind, &exists, err)) return -1;
    int rc = sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (!*db) return err_set(err, "cannot open %s '%s': out of memory", kind->word, path);
    if (rc != SQLITE_OK) { rc = db_fail(*db, path, err); goto fail; }
    sqlite3_extended_result_codes(*db, 1);
    sqlite3_busy_timeout(*db, PATIENCE_MS);
    if (sqlite3_db_readonly(*db, "main") == 1) { // SQLite falls back silently
        rc = err_set(err, "cannot write '%s': the file is read-only", path);
        goto fail;
    }
    if ((rc = identify(*db, path, kind, err)) < 0) goto fail;
    bool whole = rc == 1;
    wait_for_wal(*db);
    if ((rc = db_exec(*db, path, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON", err))) goto fail;
    if (!whole && (rc = create(*db, path, kind, err)) < 0) goto fail;
    return 0;
fail:
    db_close(db);
    return -1;
}

/* "file:PATH?immutable=1" with the path's special characters escaped (RFC 3986). */
static char *immutable_uri(const char *path, struct err *err) {
    char *uri = mem_alloc(3 * strlen(path) + 32, 1, "a file name", err), *to = uri;
    if (!uri) return NULL;
    to += sprintf(to, "file:%s", path[0] == '/' ? "//" : "");
    for (const unsigned char *c = (const unsigned char *)path; *c; c++)
        if (*c == '%' || *c == '?' || *c == '#' || *c < 0x21 || *c >= 0x7f) to += sprintf(to, "%%%02x", *c);
        else *to++ = (char)*c;
    strcpy(to, "?immutable=1");
    return uri;
}

static bool writable(const char *path, struct err *err, int *rc) {
    char *copy = mem_text(path, strlen(path), err);
    *rc = copy ? 0 : -1;
    bool yes = copy && !access(path, W_OK) && !access(dirname(copy), W_OK);
    mem_free(copy);
    return yes;
}

/* Does another process's (or a killed one's) unfinished journal lie beside the file? */
static bool has_journal(const char *path) {
    char wal[4096];
    struct stat st;
    return snprintf(wal, sizeof wal, "%s-wal", path) < (int)sizeof wal && !stat(wal, &st) && st.st_size > 0;
}

/* A WAL database wants its -wal and -shm files even to be read. A connection that may write
 * creates and removes them again, so readers use one, told to change nothing. Where nothing
 * can be written and no journal is pending the file cannot change: `immutable` needs neither. */
static int open_for_reading(sqlite3 **db, const char *path, struct err *err) {
    int rc;
    if (writable(path, err, &rc)) return sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc) return -1;
    if (has_journal(path)) return sqlite3_open_v2(path, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    char *uri = immutable_uri(path, err);
    if (!uri) return -1;
    rc = sqlite3_open_v2(uri, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
    mem_free(uri);
    return rc;
}

int db_open_any(sqlite3 **db, const char *path, struct err *err) {
    *db = NULL;
    if (access(path, R_OK)) return err_set(err, "cannot open '%s': %s", path, strerror(errno));
    int rc = open_for_reading(db, path, err);
    if (!*db) return rc == -1 ? -1 : err_set(err, "cannot open '%s': out of memory", path);
    sqlite3_extended_result_codes(*db, 1);
    sqlite3_busy_timeout(*db, PATIENCE_MS);
    if (rc == SQLITE_OK) return 0;
    err_set(err, "cannot open '%s': %s", path, sqlite3_errmsg(*db));
    db_close(db);
    return -1;
}

int db_open_read(sqlite3 **db, const char *path, const struct db_kind *kind, struct err *err) {
    bool exists;
    *db = NULL;
    if (look(path, kind, &exists, err)) return -1;
    if (!exists && access(path, F_OK)) return err_set(err, "cannot open %s '%s': no such file", kind->word, path);
    int rc = open_for_reading(db, path, err);
    if (!*db) return rc == -1 ? -1 : err_set(err, "cannot open %s '%s': out of memory", kind->word, path);
    if (rc != SQLITE_OK) { rc = db_fail(*db, path, err); goto fail; }
    sqlite3_extended_result_codes(*db, 1);
    sqlite3_busy_timeout(*db, PATIENCE_MS);
    if (db_identify(*db, path, kind, err)) {
        if ((sqlite3_errcode(*db) & 0xff) == SQLITE_CANTOPEN && has_journal(path))
            err_set(err, "'%s' has an unfinished journal '%s-wal' in a read-only place: open it once where it can be written", path, path);
        goto fail;
    }
    if (db_exec(*db, path, "PRAGMA query_only = ON; PRAGMA cache_size = -65536", err)) goto fail;
    return 0;
fail:
    db_close(db);
    return -1;
}

void db_close(sqlite3 **db) {
    sqlite3_close_v2(*db);
    *db = NULL;
}
