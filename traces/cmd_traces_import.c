/* cmd_traces_import.c - `banditspec traces import`: answer files of Spec-Bench and EAGLE as a trace, which is then an approximation. */
#include <stdio.h>
#include <string.h>

#include "core/cmd.h"
#include "core/mem.h"
#include "core/opt.h"
#include "traces/answers.h"

command traces_import;

static const struct opt_help help = {
    .usage = "traces import [--db] TRACE --answers [NAME@]FILE... [--plain FILE --lengths auto|emitted|accepted]",
    .about = "Reads answer files with accept_lengths, as Spec-Bench and EAGLE write them, one file a method; several files of the\n"
             "same questions become several drafters. Such a log knows only the rounds that were played. So where no round\n"
             "began, accepted lengths are drawn from those logged for the same question: the trace is an APPROXIMATION, says\n"
             "so, and whatever is made of it repeats that. Rounds took wall_time / rounds; the fastest method counts as verification alone.\n"
             "The --plain file needs question_id, new_tokens and wall_time. Of a question answered twice the last answer counts.\n"
             "Text, prompts and draft confidences are not in such logs.",
    .example = "  banditspec traces import eagle.db --answers eagle2@vicuna-7b-eagle2.jsonl pld@vicuna-7b-pld.jsonl --plain vanilla.jsonl\n"
               "  banditspec replay --db eagle.db --policy thompson ucbspec",
};

struct options {
    const char *db, *plain, *lengths;
    struct texts answers;
    uint64_t seed;
    bool add;
};

static int run(const struct options *o, enum answer_lengths lengths, struct answers *files, struct answers *plain, struct err *err) {
    struct answers_import done;
    for (int d = 0; d < o->answers.n; d++)
        if (answers_open(&files[d], o->answers.at[d], lengths, err)) return -1;
    if (o->plain && answers_open(plain, o->plain, LENGTHS_PLAIN, err)) return -1;
    if (answers_write(files, o->answers.n, o->plain ? plain : NULL, o->db, o->seed, o->add, &done, err)) return -1;
    printf("'%s' holds %d question%s, %d tokens", o->db, done.sequences, done.sequences == 1 ? "" : "s", done.tokens);
    if (done.skipped) printf("; %d left out, without rounds in some file", done.skipped);
    putchar('\n');
    for (int d = 0; d < o->answers.n; d++)
        printf("  %-16s %s lengths, %d accepted at most%s\n", files[d].name, files[d].lengths == LENGTHS_EMITTED ? "emitted" : "accepted", files[d].L,
               files[d].replaced ? "; of a question answered again, the last answer" : "");
    printf("an approximation: where no round began, accepted lengths are drawn from those logged for the question%s\n",
           done.timed ? "" : "; no times were logged, so a round is called a millisecond");
    return 0;
}

int traces_import(int argc, char **argv, struct err *err) {
    struct options o = {.lengths = "auto"};
    const struct opt table[] = {
        {"db", OPT_TEXT, &o.db, "TRACE", "the trace to write; one of other answers is refused, see --add", 0, 0, true},
        {"answers", OPT_LIST, &o.answers, "[NAME@]FILE...", "answer files, JSON Lines", 0, 0, true},
        {"plain", OPT_TEXT, &o.plain, "FILE", "answers of plain decoding, for its time a token", 0, 0, false},
        {"lengths", OPT_TEXT, &o.lengths, "KIND", "what accept_lengths count: auto, emitted or accepted", 0, 0, false},
        {"seed", OPT_U64, &o.seed, "S", "of the drawn lengths", 0, 0, false},
        {"add", OPT_FLAG, &o.add, NULL, "put it beside other recordings of the trace (then chosen with --recording)", 0, 0, false},
        {0},
    };
    static const char *const words[] = {"auto", "emitted", "accepted"};
    int rc = opt_parse(table, &help, argc, argv, err), kind = 0;
    if (rc) return rc == 1 ? 0 : rc;
    while (kind < 3 && strcmp(o.lengths, words[kind])) kind++;
    if (kind == 3) return err_usage(err, "option '--lengths' wants auto, emitted or accepted, got '%s'", o.lengths);
    if (o.answers.n > 64) return err_usage(err, "at most 64 answer files, got %d", o.answers.n);
    struct answers *files = mem_alloc((size_t)o.answers.n, sizeof *files, "answers", err), plain = {0};
    if (!files) return -1;
    rc = run(&o, (enum answer_lengths)kind, files, &plain, err);
    for (int d = 0; d < o.answers.n; d++) answers_close(&files[d]);
    answers_close(&plain);
    mem_free(files);
    return rc;
}
