/* tempdir.h - a directory of a test's own, under TMPDIR, removed afterwards. */
#ifndef TESTS_TEMPDIR_H
#define TESTS_TEMPDIR_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct tempdir {
    char path[4000];
};

static inline int tempdir_open(struct tempdir *d) {
    const char *base = getenv("TMPDIR");
    snprintf(d->path, sizeof d->path, "%s/banditspec-test-XXXXXX", base && *base ? base : "/tmp");
    return mkdtemp(d->path) ? 0 : -1;
}

/* "DIR/name" in a static buffer (four of them, in turn). */
static inline const char *tempdir_file(const struct tempdir *d, const char *name) {
    static char text[4][4200];
    static int at;
    at = (at + 1) % 4;
    snprintf(text[at], sizeof text[at], "%s/%s", d->path, name);
    return text[at];
}

static inline int tempdir_remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st, (void)type, (void)at;
    return remove(path);
}

static inline void tempdir_close(struct tempdir *d) {
    chmod(d->path, 0700);
    nftw(d->path, tempdir_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
