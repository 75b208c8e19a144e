/* cmd_traces_merge.c - `banditspec traces merge`. */
#include <stdio.h>

#include "core/cmd.h"
#include "core/opt.h"
#include "traces/merge.h"

command traces_merge;

int traces_merge(int argc, char **argv, struct err *err) {
    const char *path = NULL;
    struct texts from = {0};
    const struct opt table[] = {
        {.name = "db", .kind = OPT_TEXT, .to = &path, .arg = "TRACE", .help = "the trace that takes the others in; made if it is not there", .required = true},
        {.name = "from", .kind = OPT_LIST, .to = &from, .arg = "TRACE...", .help = "the others; they stay as they are", .required = true},
        {.name = NULL},
    };
    const struct opt_help help = {
        .usage = "traces merge [--db] TRACE --from TRACE...",
        .about = "Joins traces: recordings that agree in all that shapes text and timings become one, others lie\n"
                 "beside each other. So several recorders, one a device, may work on disjoint prompts. A prompt that\n"
                 "two files hold must have the same tokens and accepted lengths. A file is taken whole or not at all.",
        .example = "  banditspec record --device 0 --prompts first.jsonl --db a.db ... &\n"
                   "  banditspec record --device 1 --prompts second.jsonl --db b.db ...\n"
                   "  banditspec traces merge all.db --from a.db b.db"};
    int rc = opt_parse(table, &help, argc, argv, err);
    if (rc) return rc == 1 ? 0 : rc;
    for (int i = 0; i < from.n; i++) {
        struct merged m = {0};
        if (merge_trace(path, from.at[i], &m, err)) return -1;
        printf("'%s': %lld sequences taken, %lld were there already", from.at[i], (long long)m.sequences, (long long)m.same);
        if (m.recordings) printf(", %lld new recording%s", (long long)m.recordings, m.recordings > 1 ? "s" : "");
        if (m.renumbered) printf(", %lld renumbered", (long long)m.renumbered);
        putchar('\n');
    }
    return 0;
}
