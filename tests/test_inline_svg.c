/* test_inline_svg.c - gnuplot's SVG as a part of a page: the page's colours, light and dark, and ids of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/inline_svg.h"
#include "tests/run_command.h"

static void test_contrast_is_that_of_the_guidelines(void **state) {
    (void)state;
    assert_true(fabs(svg_contrast(0x000000, 0xFFFFFF) - 21) < 1e-9);
    assert_true(fabs(svg_contrast(0x777777, 0xFFFFFF) - 4.48) < 0.005);
    assert_true(fabs(svg_contrast(0xFFFFFF, 0x0000FF) - 8.59) < 0.005);
}

static void test_a_picture_takes_the_pages_colours_and_its_own_ids(void **state) {
    (void)state;
    static const char svg[] = "<?xml version=\"1.0\"?><svg viewBox=\"0 0 800 480\" xmlns=\"x\"><title>Gnuplot</title><defs><circle "
        "id='dot' r='1'/></defs>"
        "<g stroke=\"rgb(208, 208, 208)\" fill='none' color='#0072B2'><use xlink:href='#dot' color='black'/></g><g fill=\"rgb(230,159,0)\" "
            "font-family=\"Arial\"><text>a &amp; b</text></g><path style='fill:none; stroke:rgb(213,94,0)'/></svg>";
    struct svg_colours colours = {0};
    struct err err = {""};
    char *text, *css;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    assert_int_equal(svg_inline(svg, "f", "\"alt\" & more", &colours, to, &err), 0);
    fclose(to);
    static const char *const want[] = {"role=\"img\" aria-label=\"&quot;alt&quot; &amp; "
        "more\"", "id=\"f-dot\"", "href=\"#f-dot\"", "stroke=\"var(--kd0d0d0)\" fill=\"none\" color=\"var(--k0072b2)\"",
                                       "color=\"var(--k000000)\"", "fill=\"var(--te69f00)\"", "<text>a &amp; b</text>",
                                       "style=\"fill:none;stroke:var(--kd55e00)\""}; // of a pattern
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) assert_contains(text, want[i]);
    assert_null(strstr(text, "Gnuplot"));
    assert_int_equal(colours.n, 5);
    to = open_memstream(&css, &n);
    svg_colours_css(&colours, 0xFFFFFF, 0x14171A, to);
    fclose(to);
    const uint32_t grounds[] = {0xFFFFFF, 0x14171A};
    const char *at = css;
    for (int i = 0; i < 2; i++) { // letters can be read on both grounds
        at = strstr(at, "--te69f00:#") + 11;
        uint32_t colour = (uint32_t)strtoul(at, NULL, 16);
        if (svg_contrast(colour, grounds[i]) < 4.5) fail_msg("letters #%06x on #%06x: %.2f", colour, grounds[i],
            svg_contrast(colour, grounds[i]));
    }
    at = strstr(strstr(css, "dark"), "--k000000:#") + 11;
    assert_true(svg_contrast((uint32_t)strtoul(at, NULL, 16), 0x14171A) > 7); // black is not lost
    // From white to dark blue, as heat maps go: on a dark ground the darkest is the brightest, and none is out of order.
    static const char *const scale[] = {"#FFFFFF", "#D6E6F4", "#7FB4DA", "#0072B2", "#06263F"};
    char steps[400] = "<svg viewBox=\"0 0 1 1\">";
    for (int i = 0; i < 5; i++) snprintf(steps + strlen(steps), sizeof steps - strlen(steps), "<path fill=\"%s\"/>", scale[i]);
    strcat(steps, "</svg>");
    free(css);
    FILE *nowhere = fopen("/dev/null", "w");
    assert_int_equal(svg_inline(steps, "s", "", &colours, nowhere, &err), 0);
    fclose(nowhere);
    to = open_memstream(&css, &n);
    svg_colours_css(&colours, 0xFFFFFF, 0x14171A, to);
    fclose(to);
    double before = 0;
    for (int i = 0; i < 5; i++) {
        char name[32] = "--k";
        for (int k = 1; scale[i][k]; k++) name[2 + k] = (char)tolower(scale[i][k]);
        uint32_t colour = (uint32_t)strtoul(strstr(strstr(css, "dark"), name) + 11, NULL, 16);
        double x = svg_contrast(colour, 0x14171A);
        if (!(x > before)) fail_msg("%s becomes #%06x, no lighter than the one before", scale[i], colour);
        before = x;
    }
    assert_int_equal(svg_inline("no picture", "f", "", &colours, stdout, &err), ERR_FAILED);
    svg_colours_close(&colours);
    free(text), free(css);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contrast_is_that_of_the_guidelines),
        cmocka_unit_test(test_a_picture_takes_the_pages_colours_and_its_own_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
