/* What-if files of hardware. */
#include <math.h>

#include "sim/hardware.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct trace_drafter drafters[] = {{.name = "eagle", .kind = "eagle"}, {.name = "pld", .kind = "pld"}};
    const struct trace t = {.path = "trace", .D = 2, .drafters = drafters};
    static struct cost c;
    struct err err = {""};
    if (hardware_parse(&c, &t, "fuzz", (const char *)data, size, &err)) return fuzz_refused(&err);
    for (int width = 1; width < COST_WIDTHS; width++)
        if (!(cost_verify(&c, width, 1000) > 0) || !isfinite(cost_verify(&c, width, 1000))) abort();
    for (int d = 0; d < 2; d++)
        if (!(cost_drafting(&c, d, 8, 1000) >= 0) || !isfinite(cost_catch_up(&c, d, 100))) abort();
    return 0;
}
