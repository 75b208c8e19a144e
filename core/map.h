/* map.h - a file mapped for reading, and its SHA-256. */
#ifndef CORE_MAP_H
#define CORE_MAP_H

#include <stddef.h>

#include "core/err.h"

enum { SHA256_HEX = 65 }; // 64 digits and the terminator

struct file_map {
    char *path;                 // owned copy
    const unsigned char *bytes; // (size), never null once open; page-aligned unless empty
    size_t size;
};

/* Maps a regular file. An empty one is no error: it has size 0. */
int file_map_open(struct file_map *m, const char *path, struct err *err);
void file_map_close(struct file_map *m); // a zeroed one is fine

/* The SHA-256 of the whole file in lower-case hex (libcrypto). */
int file_map_sha256(const struct file_map *m, char hex[SHA256_HEX], struct err *err);

#endif
