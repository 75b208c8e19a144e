/* test_progress.c - the bar as a terminal sees it: one line of at most 80 columns, wiped at the end; nothing at all on a pipe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/progress.h"

/* Two steps of a long run, drawn on `to`. */
static void draw(int to) {
    fflush(stderr);
    int saved = dup(STDERR_FILENO);
    dup2(to, STDERR_FILENO);
    struct progress p = progress_start("resampling", 123456789, 0);
    progress_step(&p, 1);
    p.start_ns -= 3600ll * 1000000000, p.shown_ns = 0; // an hour went by
    progress_step(&p, 61728394);
    progress_end(&p);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
}

static void test_a_terminal_sees_one_line_that_goes_away(void **state) {
    (void)state;
    char bytes[1024] = "", *at = bytes;
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal < 0 || grantpt(terminal) || unlockpt(terminal)) skip();
    int to = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    assert_true(to >= 0);
    draw(to);
    close(to); // what was drawn stays readable, and then reading fails
    for (size_t n = 0; !strstr(bytes, "\r\033[K");) { // what progress_end writes
        ssize_t got = read(terminal, bytes + n, sizeof bytes - 1 - n);
        assert_true(got > 0);
        bytes[n += (size_t)got] = 0;
    }
    int lines = 0;
    for (char *line; (line = strsep(&at, "\r")); lines++) {
        size_t n = strlen(line);
        if (n > 80 + 3) fail_msg("%zu columns: '%s'", n - 3, line);
        assert_null(strchr(line, '\n'));
    }
    assert_int_equal(lines, 4); // before the first, two steps, the wiping
    close(terminal);
}

static void test_a_pipe_sees_nothing(void **state) {
    (void)state;
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    draw(ends[1]);
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
}

static void test_time_left_has_hours_from_an_hour_on(void **state) {
    (void)state;
    static const struct { long seconds; const char *text; } cases[] = {
        {0, "0:00"}, {59, "0:59"}, {245, "4:05"}, {3599, "59:59"}, {3600, "1:00:00"}, {3607, "1:00:07"}, {90061, "25:01:01"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        progress_left(text, sizeof text, cases[i].seconds);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_terminal_sees_one_line_that_goes_away),
        cmocka_unit_test(test_a_pipe_sees_nothing),
        cmocka_unit_test(test_time_left_has_hours_from_an_hour_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
