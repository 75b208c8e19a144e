/* opt.c - see opt.h. */
#include "core/opt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_help(const struct opt *table, const struct opt_help *help) {
    printf("usage: banditspec %s\n\n%s\n\noptions:\n", help->usage, help->about);
    for (const struct opt *o = table; o->name; o++) {
        char left[64], note[96] = "";
        snprintf(left, sizeof left, "--%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
        if (o->required) snprintf(note, sizeof note, " (required)");
        else if (o->kind == OPT_INT) snprintf(note, sizeof note, " (default %d)", *(int *)o->to);
        else if (o->kind == OPT_U64) snprintf(note, sizeof note, " (default %llu)", (unsigned long long)*(uint64_t *)o->to);
        else if (o->kind == OPT_REAL) snprintf(note, sizeof note, " (default %g)", *(double *)o->to);
        else if (o->kind == OPT_TEXT && *(const char **)o->to) snprintf(note, sizeof note, " (default %s)", *(const char **)o->to);
        printf("  %-24s %s%s\n", left, o->help, note);
    }
    printf("  %-24s %s\n\nexample:\n%s\n", "--help", "this page", help->example);
}

static int parse_number(const struct opt *o, const char *text, double *value, struct err *err) {
    const int digits = o->kind == OPT_INT ? 10 : 6; // whole numbers in full
    char *end;
    errno = 0;
    *value = strtod(text, &end);
    if (!*text || *end || errno || *value != *value)
        return err_usage(err, "option '--%s' wants a number, got '%s'", o->name, text);
    if (o->kind == OPT_INT && (*value < INT32_MIN || *value > INT32_MAX || *value != (double)(int)*value))
        return err_usage(err, "option '--%s' wants a whole number, got '%s'", o->name, text);
    if ((o->lo != 0 || o->hi != 0) && (*value < o->lo || *value > o->hi))
        return err_usage(err, "option '--%s' wants a value from %.*g to %.*g, got '%s'", o->name, digits, o->lo, digits, o->hi, text);
    return 0;
}

static int take_value(const struct opt *o, const char *text, struct err *err) {
    double value;
    switch (o->kind) {
    case OPT_TEXT: *(const char **)o->to = text; return 0;
    case OPT_INT:
        if (parse_number(o, text, &value, err)) return ERR_USAGE;
        *(int *)o->to = (int)value;
        return 0;
    case OPT_REAL:
        if (parse_number(o, text, &value, err)) return ERR_USAGE;
        *(double *)o->to = value;
        return 0;
    case OPT_U64: {
        char *end;
        errno = 0;
        unsigned long long whole = strtoull(text, &end, 0);
        if (*text < '0' || *text > '9' || *end || errno) // strtoull would take " -1"
            return err_usage(err, "option '--%s' wants a whole number from 0, got '%s'", o->name, text);
        *(uint64_t *)o->to = whole;
        return 0;
    }
    case OPT_LIST: {
        struct texts *list = o->to;
        if (list->n == (int)(sizeof list->at / sizeof *list->at))
            return err_usage(err, "option '--%s' has more than %d values", o->name, list->n);
        list->at[list->n++] = text;
        return 0;
    }
    case OPT_FLAG: break;
    }
    return 0;
}

int opt_parse(const struct opt *table, const struct opt_help *help, int argc, char **argv, struct err *err) {
    bool seen[64] = {false};
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            print_help(table, help);
            return 1;
        }
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2))
            return err_usage(err, "unexpected word '%s' (see banditspec %s --help)", argv[i], argv[0]);
        const char *word = argv[i] + 2, *equals = strchr(word, '=');
        size_t n = equals ? (size_t)(equals - word) : strlen(word);
        const struct opt *o = table;
        while (o->name && (strlen(o->name) != n || strncmp(o->name, word, n))) o++;
        if (!o->name)
            return err_usage(err, "unknown option '%.*s' (see banditspec %s --help)", (int)n + 2, argv[i], argv[0]);
        seen[o - table] = true;
        if (o->kind == OPT_FLAG) {
            if (equals) return err_usage(err, "option '--%s' takes no value", o->name);
            *(bool *)o->to = true;
            continue;
        }
        const char *value = equals ? equals + 1 : i + 1 < argc ? argv[++i] : NULL;
        if (!value) return err_usage(err, "option '--%s' wants a value: %s", o->name, o->arg);
        int rc = take_value(o, value, err);
        if (rc) return rc;
        while (o->kind == OPT_LIST && !equals && i + 1 < argc && strncmp(argv[i + 1], "--", 2))
            if ((rc = take_value(o, argv[++i], err))) return rc;
    }
    for (const struct opt *o = table; o->name; o++)
        if (o->required && !seen[o - table])
            return err_usage(err, "option '--%s' is required (see banditspec %s --help)", o->name, argv[0]);
    return 0;
}
