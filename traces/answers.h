/* answers.h - what Spec-Bench, EAGLE and their kin log, read as a trace.
 *
 * An answer file has a JSON object a line: question_id, category, and choices[0] with accept_lengths (one number a round), new_tokens and
 * wall_time (a number a turn); some write these beside question_id. It tells of ONE way to speculate, and only of the positions where its
 * rounds began. So a trace made of it is an approximation: there, A is what was logged; at every other position A is drawn from the lengths
 * logged for the same question. Several files of the same questions (one a method) become several drafters. A round of method d
 * lasted wall_time / rounds; the fastest method's time (--plain's too) is called verification, for every width, the rest d's
 * drafting. The recording's backend is 'imported', its options say "approximate": true, and its target's name says so wherever it is printed.
 *
 * Spec-Bench logs emitted tokens (1 and more), EAGLE's own scripts accepted ones (0 and more): told apart by which adds up to new_tokens,
 * and without those by whether a 0 occurs. */
#ifndef TRACES_ANSWERS_H
#define TRACES_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/err.h"

enum answer_lengths { LENGTHS_AUTO, LENGTHS_EMITTED, LENGTHS_ACCEPTED, LENGTHS_PLAIN }; // plain: of plain decoding, new_tokens are enough

struct answer_question {
    char *id, *category; // owned
    int *accepted;       // (rounds), owned
    int rounds;
    double seconds;      // 0: not logged
    size_t line;         // of the file
};

struct answers {
    const char *path;    // borrowed
    char name[32];
    char *model;         // model_id of the first line, or ""; owned
    enum answer_lengths lengths; // as it was logged
    int n, L;            // questions; the longest accepted length, at least 1
    int replaced;        // answers left out for a later one of the same question
    struct answer_question *at;
};

/* From "NAME@FILE" or "FILE". Errors name file and line. */
int answers_open(struct answers *a, const char *word, enum answer_lengths lengths, struct err *err);
/* The reader alone (fuzzing): from an open file called `path`, which is borrowed. */
int answers_read(struct answers *a, const char *path, FILE *f, enum answer_lengths lengths, struct err *err);
void answers_close(struct answers *a);

struct answers_import {
    int sequences, skipped, tokens; // questions taken; those that a file lacks or without any round; tokens of those taken
    bool timed;                     // else every round is called a millisecond
};

/* Writes one recording with a drafter a file. `plain` (null: none) tells how long plain decoding took. */
int answers_write(const struct answers *files, int D, const struct answers *plain, const char *path, uint64_t seed, bool add, struct answers_import *done, struct err *err);

#endif
