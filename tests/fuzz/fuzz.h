/* fuzz.h - what the fuzz targets share. A target is one file that defines LLVMFuzzerTestOneInput; `make fuzz` links it
 * with libFuzzer, `make test` with replay.c, which feeds it the corpus and every input that once broke something. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The compiler must not drop what computed it. */
static inline void fuzz_keep(unsigned value) { __asm__ volatile("" : : "r"(value)); }

/* A refusal is one line of text that names the file. */
static inline int fuzz_refused(const struct err *err) {
    if (!err->text[0] || !strstr(err->text, "fuzz") || strchr(err->text, '\n')) {
        fprintf(stderr, "bad refusal: '%s'\n", err->text);
        abort();
    }
    return 0;
}

/* Any text through the tokenizer and back: no id outside the vocabulary. */
static inline void fuzz_tokenizer(const struct tokenizer *t) {
    static const char text[] = "Hello  w\xc3\xb6rld 12\n\xff<s>\xe2\x96\x81<|im_end|>";
    struct ids ids = {0};
    struct buffer back = {0};
    struct err err = {""};
    if (!tokenizer_encode(t, text, sizeof text - 1, true, &ids, &err) && tokenizer_decode(t, ids.at, ids.n, true, &back, &err)) abort();
    ids_close(&ids);
    buffer_close(&back);
}

#endif
