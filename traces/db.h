/* db.h - opening SQLite files well: whose file it is, which schema version, and what
 * a full, read-only or failing disk says.
 *
 * The first page of an SQLite file carries two numbers for its application (SQLite file
 * format, section 1.3): application_id says whose file it is, user_version which schema.
 * The schema text sets both, and runs in one transaction, so a kill leaves either an empty
 * file, which the next db_open completes, or a whole one. */
#ifndef TRACES_DB_H
#define TRACES_DB_H

#include <stdint.h>

#include "core/err.h"

struct sqlite3;
struct sqlite3_stmt;

struct db_kind {
    const char *word;   // "trace": what messages call such a file
    const char *schema; // SQL that sets application_id and user_version, then creates the tables
    uint32_t application;
    int version;
    const char *const *upgrades; // SQL from version 1 to 2, from 2 to 3, ... `version`; `schema` is then version 1's. Null: there is but one
};

extern const struct db_kind db_trace;

/* Opens or creates a file for writing, and brings one of an earlier version to this one: WAL, synchronous=FULL, foreign keys, 10 s of patience
 * with another writer. On error nothing is open and a file of another kind is untouched. */
int db_open(struct sqlite3 **db, const char *path, const struct db_kind *kind, struct err *err);

/* Opens an existing file for queries only, also where file or directory are read-only;
 * leaves no -wal or -shm file behind. */
int db_open_read(struct sqlite3 **db, const char *path, const struct db_kind *kind, struct err *err);

/* The same whatever the file holds: the caller looks, and only queries and makes temporary tables. */
int db_open_any(struct sqlite3 **db, const char *path, struct err *err);

void db_close(struct sqlite3 **db);

/* Whose file an open connection reads: 0, or one line in `err`. */
int db_identify(struct sqlite3 *db, const char *path, const struct db_kind *kind, struct err *err);

int db_exec(struct sqlite3 *db, const char *path, const char *sql, struct err *err);
int db_prepare(struct sqlite3 *db, const char *path, const char *sql, struct sqlite3_stmt **s, struct err *err);

/* One step: 1 a row, 0 done, < 0 on error. */
int db_step(struct sqlite3 *db, const char *path, struct sqlite3_stmt *s, struct err *err);

/* The first column of the first row; an error when there is none. */
int db_int64(struct sqlite3 *db, const char *path, const char *sql, int64_t *value, struct err *err);

/* What the connection's last failure means, as one line; returns ERR_FAILED. */
int db_fail(struct sqlite3 *db, const char *path, struct err *err);

#endif
