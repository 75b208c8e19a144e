/* map.c - see map.h. */
#include "core/map.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"

static int map_descriptor(struct file_map *m, int fd, struct err *err) {
    struct stat info;
    if (fstat(fd, &info)) return err_set(err, "cannot read '%s': %s", m->path, strerror(errno));
    if (!S_ISREG(info.st_mode)) // a pipe has no size, a directory no bytes
        return err_set(err, "cannot read '%s': %s, expected a file", m->path,
                       S_ISDIR(info.st_mode) ? "it is a directory" : "it is not a regular file");
    m->size = (size_t)info.st_size;
    m->bytes = (const unsigned char *)"";
    if (m->size == 0) return 0; // mmap refuses length 0
    void *at = mmap(NULL, m->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED) {
        m->size = 0;
        return err_set(err, "cannot map '%s' (%zu bytes): %s", m->path, (size_t)info.st_size, strerror(errno));
    }
    m->bytes = at;
    return 0;
}

int file_map_open(struct file_map *m, const char *path, struct err *err) {
    *m = (struct file_map){0};
    m->path = mem_text(path, strlen(path), err);
    if (!m->path) return -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = -1;
    if (fd < 0) {
        err_set(err, "cannot open '%s': %s", path, strerror(errno));
    } else {
        rc = map_descriptor(m, fd, err);
        close(fd);
    }
    if (rc) file_map_close(m);
    return rc;
}

void file_map_close(struct file_map *m) {
    if (m->size) munmap((void *)m->bytes, m->size);
    mem_free(m->path);
    *m = (struct file_map){0};
}

int file_map_sha256(const struct file_map *m, char hex[SHA256_HEX], struct err *err) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (!EVP_Digest(m->bytes, m->size, digest, &n, EVP_sha256(), NULL) || n != 32)
        return err_set(err, "cannot compute the SHA-256 of '%s'", m->path);
    for (unsigned i = 0; i < n; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return 0;
}
