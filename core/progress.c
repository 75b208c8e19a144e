/* progress.c - see progress.h. */
#include "core/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "core/clock.h"

struct progress progress_start(const char *what, long total, long done) {
    return (struct progress){what, total, done, clock_ns(), 0, done, isatty(STDERR_FILENO) == 1};
}

void progress_step(struct progress *p, long done) {
    p->done = done;
    int64_t now = clock_ns();
    if (!p->shown || (now - p->shown_ns < 100000000 && done < p->total)) return;
    p->shown_ns = now;
    char bar[31];
    for (int i = 0; i < 30; i++) bar[i] = p->total > 0 && i < 30 * done / p->total ? '#' : '.';
    bar[30] = 0;
    double seconds = (double)(now - p->start_ns) / 1e9;
    long fresh = done - p->start_done;
    fprintf(stderr, "\r%s [%s] %ld/%ld", p->what, bar, done, p->total);
    if (fresh > 0) {
        char left[32];
        progress_left(left, sizeof left, (long)(seconds / (double)fresh * (double)(p->total - done) + 0.5));
        fprintf(stderr, "  ETA %s", left);
    }
    fprintf(stderr, "\033[K");
    fflush(stderr);
}

void progress_end(struct progress *p) {
    if (p->shown) fprintf(stderr, "\r\033[K");
}

void progress_left(char *text, size_t size, long seconds) {
    const long hours = seconds / 3600, minutes = seconds / 60 % 60;
    if (hours) snprintf(text, size, "%ld:%02ld:%02ld", hours, minutes, seconds % 60);
    else snprintf(text, size, "%ld:%02ld", minutes, seconds % 60);
}
