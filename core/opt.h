/* opt.h - one table describes a subcommand's options: parsing, checks and --help. */
#ifndef CORE_OPT_H
#define CORE_OPT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

enum opt_kind {
    OPT_FLAG, // bool *
    OPT_TEXT, // const char ** (borrowed from argv)
    OPT_INT,  // int *, within [lo, hi]
    OPT_U64,  // uint64_t *
    OPT_REAL, // double *, within [lo, hi]
    OPT_LIST, // struct texts *: every following word up to the next option; repeats append
};

struct texts {
    int n;
    const char *at[256];
};

struct opt {
    const char *name; // without the dashes; null ends the table
    enum opt_kind kind;
    void *to;         // holds the default before parsing
    const char *arg;  // how --help names the value: "FILE"
    const char *help; // one line
    double lo, hi;    // OPT_INT, OPT_REAL: both 0 means any
    bool required;
};

struct opt_help {
    const char *usage;   // "record --model M --drafter D... --prompts F --db T"
    const char *about;   // a paragraph
    const char *example; // one or more whole command lines
};

/* Fills the table's targets. Returns 0 to go on, 1 when --help was printed (the
 * command then returns 0), ERR_USAGE with `err` set for an unknown option, a missing
 * value, a number out of range or a missing required option. */
int opt_parse(const struct opt *table, const struct opt_help *help, int argc, char **argv, struct err *err);

#endif
