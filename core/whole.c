/* whole.c - see whole.h. */
#include "core/whole.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

int whole_begin(struct whole *f, const char *path, struct err *err) {
    struct stat s;
    *f = (struct whole){.to = stdout};
    if (!path || !strcmp(path, "-")) return 0;
    if (snprintf(f->path, sizeof f->path, "%s", path) >= (int)sizeof f->path) return err_set(err, "path too long: '%.80s...'", path);
    bool there = !stat(path, &s);
    if (there && S_ISDIR(s.st_mode)) return err_set(err, "cannot write '%s': not a regular file", path);
    snprintf(f->part, sizeof f->part, "%s%s", f->path, there && !S_ISREG(s.st_mode) ? "" : ".part"); // a pipe, a device: as it comes
    f->to = fopen(f->part, "w");
    return f->to ? 0 : err_set(err, "cannot open '%s' for writing: %s", f->path, strerror(errno));
}

/* What went wrong just now, or with an earlier write, whose cause is gone. */
static const char *cause(void) { return errno ? strerror(errno) : "an earlier write failed, as where no room is left"; }

int whole_end(struct whole *f, int rc, struct err *err) {
    errno = 0;
    if (f->to == stdout) return rc ? rc : fflush(stdout) || ferror(stdout)
        ? err_set(err, "cannot write to standard output: %s", cause()) : 0;
    if ((fflush(f->to) || ferror(f->to)) && !rc) rc = err_set(err, "cannot write '%s': %s", f->path, cause());
    if (fclose(f->to) && !rc) rc = err_set(err, "cannot write '%s': %s", f->path, strerror(errno));
    if (!strcmp(f->part, f->path)) return rc;
    if (!rc && rename(f->part, f->path)) rc = err_set(err, "cannot rename '%s': %s", f->part, strerror(errno));
    if (rc) remove(f->part);
    return rc;
}

bool whole_same(const char *a, const char *b) {
    struct stat x, y;
    return !stat(a, &x) && !stat(b, &y) && S_ISREG(x.st_mode) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int whole_apart(const char *out, const char *in, struct err *err) {
    char part[4096 + 8];
    if (!out || !in || !strcmp(out, "-")) return 0;
    bool beside = snprintf(part, sizeof part, "%s.part", out) < (int)sizeof part && whole_same(part, in);
    return beside || whole_same(out, in) ? err_set(err, "'%s' is what is read; give another --out", in) : 0;
}
