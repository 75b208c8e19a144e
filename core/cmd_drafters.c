/* cmd_drafters.c - `banditspec drafters [KIND]`: every kind of drafter, its options and its source. */
#include <stdio.h>
#include <string.h>

#include "core/cmd.h"
#include "core/drafter.h"

static void print_param(const struct drafter_param *p) {
    char range[64], value[64];
    size_t skip = 0, n = p->words ? strcspn(p->words, "|") : 0;
    for (int i = 0; p->words && i < (int)p->value; i++) skip += n + 1, n = strcspn(p->words + skip, "|");
    if (p->words) snprintf(value, sizeof value, "%.*s", (int)n, p->words + skip), snprintf(range, sizeof range, "%s", p->words);
    else if (p->text) snprintf(value, sizeof value, "none"), snprintf(range, sizeof range, "FILE");
    else snprintf(value, sizeof value, "%g", p->value), snprintf(range, sizeof range, "%.10g to %.10g", p->lo, p->hi);
    printf("    %-10s default %-8s (%s): %s\n", p->name, value, range, p->meaning);
}

static void print_kind(const struct drafter_type *t) {
    printf("%s: %s\n  source: %s\n", t->name, t->summary, t->cite);
    if (t->params[0].name) puts("  options:");
    for (int i = 0; t->params[i].name; i++) print_param(&t->params[i]);
}

int cmd_drafters(int argc, char **argv, struct err *err) {
    const char *kind = argc > 1 ? argv[1] : NULL;
    if (argc > 2) return err_usage(err, "drafters takes at most one kind, got %d", argc - 1);
    if (kind && (!strcmp(kind, "--help") || !strcmp(kind, "-h"))) {
        puts("usage: banditspec drafters [KIND]\n\nLists the kinds of drafters, or one of them with its options. They are given to record and live\n"
             "as --drafter [name@]kind[=PATH][,key=value...].\n\nexample:\n  banditspec drafters eagle\n"
             "  banditspec record --model M --drafter pld eagle=DIR,vocab=8192 small@model=FILE --prompts F --db T");
        return 0;
    }
    char known[256] = "";
    bool found = false;
    for (int i = 0; drafter_types[i]; i++) {
        const struct drafter_type *t = drafter_types[i];
        if (!kind) printf("%-8s %s\n", t->name, t->summary);
        else if (!strcmp(kind, t->name)) print_kind(t), found = true;
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "", t->name);
    }
    return kind && !found ? err_set(err, "unknown kind of drafter '%s' (known: %s)", kind, known) : 0;
}
