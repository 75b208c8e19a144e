/* progress.h - a progress bar with ETA on stderr, on a terminal only. */
#ifndef CORE_PROGRESS_H
#define CORE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    const char *what; // "recording"
    long total, done;
    int64_t start_ns, shown_ns;
    long start_done; // work that an earlier run had finished
    bool shown;
};

struct progress progress_start(const char *what, long total, long done);
void progress_step(struct progress *p, long done); // draws at most ten times a second
void progress_end(struct progress *p);             // wipes the line

/* "4:05", "1:00:07": minutes and seconds, from an hour on with hours before them. */
void progress_left(char *text, size_t size, long seconds);

#endif
