/* state_file.c - see state_file.h. */
#include "policies/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"

enum { FORMAT = 1, ORDER = 0x01020304, HEAD = 24, CHECKSUM = 8 };
static const char magic[8] = "BSPSTATE";
static const char version[] = VERSION;

static uint64_t fnv(const unsigned char *bytes, size_t n) {
    uint64_t hash = 14695981039346656037u; // offset basis and prime of FNV-1a, 64 bits
    for (size_t i = 0; i < n; i++) hash = (hash ^ bytes[i]) * 1099511628211u;
    return hash;
}

/* -- writing -- */

struct out {
    unsigned char *at; // null: only count
    size_t n;
};

static void put(struct out *o, const void *bytes, size_t n) {
    if (o->at && n) memcpy(o->at + o->n, bytes, n);
    o->n += n;
}

static void put_number(struct out *o, uint64_t value, size_t bytes) {
    unsigned char le[8];
    for (size_t i = 0; i < bytes; i++) le[i] = (unsigned char)(value >> 8 * i);
    put(o, le, bytes);
}

static void put_text(struct out *o, const char *text) {
    put_number(o, strlen(text), 4);
    put(o, text, strlen(text));
}

static uint32_t requests(const struct problem *p) { return p->R > 1 ? (uint32_t)p->R : 1; }

static void put_all(struct out *o, const struct agent *a, size_t size) {
    const struct problem *p = &a->problem;
    const uint32_t order = ORDER;
    put(o, magic, sizeof magic);
    put_number(o, FORMAT, 4);
    put(o, &order, sizeof order);
    put_number(o, size, 8);
    put_text(o, version);
    put_text(o, a->spec);
    const int numbers[] = {p->K, p->D, p->L, (int)requests(p)};
    for (int i = 0; i < 4; i++) put_number(o, (uint32_t)numbers[i], 4);
    for (int i = 0; i < p->K; i++) {
        put_number(o, (uint32_t)p->arms[i].drafter, 4);
        put_number(o, (uint32_t)p->arms[i].gamma, 4);
        put_text(o, p->arms[i].name);
    }
    put_number(o, a->size, 8);
    put(o, a->state, a->size);
    put_number(o, o->at ? fnv(o->at, o->n) : 0, CHECKSUM);
}

static int write_all(int f, const unsigned char *bytes, size_t n) {
    for (size_t at = 0; at < n;) {
        ssize_t wrote = write(f, bytes + at, n - at);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return -1;
        at += (size_t)wrote;
    }
    return 0;
}

/* A rename is on the disk once its folder is. */
static int sync_folder(char *path) {
    char *slash = strrchr(path, '/');
    if (slash) slash[slash == path] = 0;
    int f = open(slash ? path : ".", O_RDONLY | O_DIRECTORY), rc = f < 0 ? -1 : fsync(f);
    if (f >= 0) close(f);
    return rc && errno != EINVAL ? -1 : 0; // some file systems cannot
}

static int replace(const char *path, const unsigned char *bytes, size_t n, struct err *err) {
    static _Atomic unsigned saves; // processes and threads that save to one path all leave whole files
    char part[4096];
    if (snprintf(part, sizeof part, "%s.%ld-%u.part", path, (long)getpid(), saves++) >= (int)sizeof part)
        return err_set(err, "path '%.64s...' is too long", path);
    int f = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (f < 0) return err_set(err, "cannot write policy state '%s': %s", path, strerror(errno));
    int bad = write_all(f, bytes, n) || fsync(f);
    int why = errno;
    if (close(f) && !bad) bad = 1, why = errno;
    if (!bad && rename(part, path)) bad = 1, why = errno;
    if (bad) unlink(part);
    else if (sync_folder(part)) bad = 1, why = errno;
    return bad ? err_set(err, "cannot write policy state '%s': %s", path, strerror(why)) : 0;
}

size_t state_write(const struct agent *a, unsigned char *bytes) {
    struct out count = {NULL, 0}, o = {bytes, 0};
    put_all(&count, a, 0);
    if (bytes) put_all(&o, a, count.n);
    return count.n;
}

int state_save(const struct agent *a, const char *path, struct err *err) {
    size_t n = state_write(a, NULL);
    unsigned char *bytes = mem_alloc(n, 1, "the policy state's file", err);
    if (!bytes) return ERR_FAILED;
    state_write(a, bytes);
    int rc = replace(path, bytes, n, err);
    mem_free(bytes);
    return rc;
}

/* -- reading -- */

struct in {
    const unsigned char *bytes;
    size_t n, at;
    const char *path;
};

static int corrupt(const struct in *x, const char *what, struct err *err) {
    return err_set(err, "policy state '%s' is corrupt: %s at byte %zu of %zu", x->path, what, x->at, x->n);
}

static const unsigned char *take(struct in *x, uint64_t n) {
    if (n > x->n - x->at) return NULL;
    const unsigned char *at = x->bytes + x->at;
    x->at += (size_t)n;
    return at;
}

static int take_number(struct in *x, size_t bytes, uint64_t *value, struct err *err) {
    const unsigned char *at = take(x, bytes);
    if (!at) return corrupt(x, "a number is cut", err);
    *value = 0;
    for (size_t i = 0; i < bytes; i++) *value |= (uint64_t)at[i] << 8 * i;
    return 0;
}

/* The number must be `want`; `what` says whose it is. */
static int expect_number(struct in *x, const char *what, int want, struct err *err) {
    uint64_t have = 0;
    if (take_number(x, 4, &have, err)) return ERR_FAILED;
    if ((uint32_t)have == (uint32_t)want) return 0;
    return err_set(err, "policy state '%s' was saved with %s %d, not %d", x->path, what, (int)(uint32_t)have, want);
}

static int expect_text(struct in *x, const char *what, const char *want, struct err *err) {
    uint64_t n = 0;
    const unsigned char *have;
    if (take_number(x, 4, &n, err)) return ERR_FAILED;
    if (!(have = take(x, n))) return corrupt(x, "a text is cut", err);
    if (n == strlen(want) && !memcmp(have, want, (size_t)n)) return 0;
    return err_set(err, "policy state '%s' was saved %s '%.*s', not '%s'", x->path, what, n < 300 ? (int)n : 300, (const char *)have, want);
}

/* Whole, ours, and of this machine; what follows may then be trusted to be what some program wrote. */
static int check_frame(struct in *x, struct err *err) {
    uint64_t number = 0, size = 0;
    uint32_t order;
    if (x->n < sizeof magic || memcmp(x->bytes, magic, sizeof magic))
        return err_set(err, "'%s' is not a policy state: expected '%.8s' at its beginning", x->path, magic);
    if (x->n < HEAD) return err_set(err, "policy state '%s' is cut short: %zu bytes, expected %d at least", x->path, x->n, HEAD + CHECKSUM);
    x->at = sizeof magic;
    if (take_number(x, 4, &number, err)) return ERR_FAILED;
    if (number != FORMAT) return err_set(err, "policy state '%s' has format %u, expected %d", x->path, (unsigned)number, FORMAT);
    memcpy(&order, take(x, sizeof order), sizeof order);
    if (order != ORDER) return err_set(err, "policy state '%s' was saved on a machine of another byte order", x->path);
    if (take_number(x, 8, &size, err)) return ERR_FAILED;
    if (x->n < size) return err_set(err, "policy state '%s' is cut short: %zu of %llu bytes", x->path, x->n, (unsigned long long)size);
    if (x->n > size || size < HEAD + CHECKSUM)
        return err_set(err, "policy state '%s' has %zu bytes, expected %llu", x->path, x->n, (unsigned long long)size);
    struct in last = {x->bytes, x->n, x->n - CHECKSUM, x->path};
    if (take_number(&last, CHECKSUM, &number, err)) return ERR_FAILED;
    x->n -= CHECKSUM;
    return number == fnv(x->bytes, x->n) ? 0 : err_set(err, "policy state '%s' is corrupt: its checksum does not fit", x->path);
}

static int check_arms(struct in *x, const struct problem *p, struct err *err) {
    if (expect_number(x, "arms:", p->K, err) || expect_number(x, "drafters:", p->D, err) || expect_number(x, "largest gamma", p->L, err)
        || expect_number(x, "requests:", (int)requests(p), err))
        return ERR_FAILED;
    for (int i = 0; i < p->K; i++) {
        struct in name = *x; // first the name, which says most
        char what[32];
        snprintf(what, sizeof what, "with arm %d", i);
        if (!take(&name, 8)) return corrupt(x, "an arm is cut", err);
        if (expect_text(&name, what, p->arms[i].name, err)) return ERR_FAILED;
        snprintf(what, sizeof what, "arm %d of drafter", i);
        if (expect_number(x, what, p->arms[i].drafter, err)) return ERR_FAILED;
        snprintf(what, sizeof what, "arm %d of gamma", i);
        if (expect_number(x, what, p->arms[i].gamma, err)) return ERR_FAILED;
        x->at = name.at;
    }
    return 0;
}

int state_read(struct agent *a, const unsigned char *bytes, size_t n, const char *path, struct err *err) {
    struct in x = {bytes, n, 0, path};
    uint64_t size = 0;
    const unsigned char *state;
    if (check_frame(&x, err) || expect_text(&x, "by version", version, err) || expect_text(&x, "by policy", a->spec, err)
        || check_arms(&x, &a->problem, err) || take_number(&x, 8, &size, err))
        return ERR_FAILED;
    if (size != a->size)
        return err_set(err, "policy state '%s' holds %llu bytes of '%s', expected %zu", path, (unsigned long long)size, a->spec, a->size);
    if (!(state = take(&x, size)) || x.at != x.n) return corrupt(&x, "the state does not fill it", err);
    if (!a->warm && !(a->warm = mem_alloc(a->size, 1, "policy state", err))) return ERR_FAILED;
    if (a->size) memcpy(a->warm, state, a->size);
    agent_reset(a);
    return 0;
}

/* The file's bytes (*n), to be freed; null with `err` set, or without when `optional` and there is no such file. */
static unsigned char *read_all(const char *path, size_t *n, bool optional, struct err *err) {
    struct stat st;
    int f = open(path, O_RDONLY | O_CLOEXEC);
    if (f < 0) {
        if (!optional || errno != ENOENT) err_set(err, "cannot read policy state '%s': %s", path, strerror(errno));
        return NULL;
    }
    unsigned char *bytes = NULL;
    if (fstat(f, &st) || !S_ISREG(st.st_mode)) err_set(err, "cannot read policy state '%s': not a file", path);
    else if ((bytes = mem_alloc((size_t)st.st_size, 1, "the policy state's file", err))) {
        ssize_t got;
        for (*n = 0; *n < (size_t)st.st_size && ((got = read(f, bytes + *n, (size_t)st.st_size - *n)) > 0 || (got < 0 && errno == EINTR));)
            *n += got > 0 ? (size_t)got : 0;
    }
    close(f);
    return bytes;
}

static int load(struct agent *a, const char *path, bool optional, struct err *err) {
    size_t n = 0;
    struct err mine = {""};
    unsigned char *bytes = read_all(path, &n, optional, &mine);
    if (!bytes && !mine.text[0]) return 0;
    if (!bytes) {
        *err = mine;
        return ERR_FAILED;
    }
    int rc = state_read(a, bytes, n, path, err);
    mem_free(bytes);
    return rc;
}

int state_load(struct agent *a, const char *path, struct err *err) { return load(a, path, false, err); }
int state_load_if_there(struct agent *a, const char *path, struct err *err) { return load(a, path, true, err); }
