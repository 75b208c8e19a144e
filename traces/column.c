/* column.c - see column.h. */
#include "traces/column.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/mem.h"

/* Two columns share half of the memory. */
static size_t memory_bound(void) {
    const char *given = getenv("BANDITSPEC_COLUMN_MEMORY");
    char *end;
    unsigned long long bytes = given ? strtoull(given, &end, 10) : 0;
    if (given && *given && !*end) return (size_t)bytes;
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (size_t)pages / 4 * (size_t)size : SIZE_MAX;
}

/* A file without a name, of n bytes. */
static int open_file(size_t n, char *path, size_t path_n, struct err *err) {
    const char *dir = getenv("TMPDIR");
    snprintf(path, path_n, "%s/banditspec-columns-XXXXXX", dir && *dir ? dir : "/tmp");
    int file = mkstemp(path);
    if (file < 0) return err_set(err, "cannot make a temporary file '%s': %s", path, strerror(errno));
    unlink(path);
    int rc = posix_fallocate(file, 0, (off_t)n); // now rather than by a signal in the midst of it
    if (!rc) return file;
    close(file);
    return err_set(err, "cannot take %zu bytes for a temporary file in place of '%s': %s", n, path, strerror(rc));
}

void *column_alloc(size_t n, size_t *mapped, const char *what, struct err *err) {
    char path[4096];
    *mapped = 0;
    if (n <= memory_bound()) return mem_alloc(n, 1, what, err);
    int file = open_file(n, path, sizeof path, err);
    if (file < 0) return NULL;
    void *block = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (block == MAP_FAILED) {
        err_set(err, "cannot map %zu bytes for %s: %s", n, what, strerror(errno));
        return NULL;
    }
    madvise(block, n, MADV_SEQUENTIAL);
    *mapped = n;
    return block;
}

void column_free(void *column, size_t mapped) {
    if (column && mapped) munmap(column, mapped);
    else mem_free(column);
}
