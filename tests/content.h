/* content.h - a trace's content apart from its timings, as one number: what law 5 compares.
 * All rows of all tables in key order, without `created`, the columns in ns, and `latency`. */
#ifndef TESTS_CONTENT_H
#define TESTS_CONTENT_H

#include <stdint.h>
#include <string.h>

#include <sqlite3.h>

static inline uint64_t content_mix(uint64_t h, const void *bytes, size_t n) { // FNV-1a, 64 bits
    const unsigned char *c = bytes;
    for (size_t i = 0; i < n; i++) h = (h ^ c[i]) * 0x100000001b3u;
    return h;
}

/* 0 when the file cannot be read. */
static inline uint64_t content_of(const char *path) {
    static const char *const queries[] = {
        "SELECT * FROM recording ORDER BY id", "SELECT * FROM drafter ORDER BY id", "SELECT * FROM sequence ORDER BY id",
        "SELECT * FROM step ORDER BY sequence, pos", "SELECT * FROM draft ORDER BY sequence, pos, drafter"};
    uint64_t h = 0xcbf29ce484222325u;
    sqlite3 *db;
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);
    for (int i = 0; rc == SQLITE_OK && i < 5; i++) {
        sqlite3_stmt *s = NULL;
        rc = sqlite3_prepare_v2(db, queries[i], -1, &s, NULL);
        while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
            rc = SQLITE_OK;
            for (int c = 0; c < sqlite3_column_count(s); c++) {
                const char *name = sqlite3_column_name(s, c);
                size_t n = strlen(name);
                if (!strcmp(name, "created") || (n > 3 && !strcmp(name + n - 3, "_ns"))) continue;
                int type = sqlite3_column_type(s, c), size = sqlite3_column_bytes(s, c);
                h = content_mix(h, &type, sizeof type);
                h = content_mix(h, &size, sizeof size);
                if (size) h = content_mix(h, sqlite3_column_blob(s, c), (size_t)size);
            }
        }
        if (rc == SQLITE_DONE) rc = SQLITE_OK;
        sqlite3_finalize(s);
    }
    sqlite3_close(db);
    return rc == SQLITE_OK ? h : 0;
}

#endif
