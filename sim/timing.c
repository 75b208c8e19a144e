/* timing.c - see timing.h. */
#include "sim/timing.h"

#include <stdio.h>
#include <string.h>

#include "sim/hardware.h"

int timing_check(const char *timing, const char *hardware, struct err *err) {
    if (strcmp(timing, "model") && strcmp(timing, "sampled")) return err_usage(err, "option '--timing' wants model or sampled, got '%s'", timing);
    if (hardware && strcmp(timing, "model")) return err_usage(err, "give --timing sampled or --hardware: nothing was recorded on hardware that is not at hand");
    return 0;
}

int timing_open(struct cost *c, const struct trace *t, const char *timing, const char *hardware, struct err *err) {
    if (hardware) return hardware_load(c, t, hardware, err);
    int rc = cost_fit(c, t, err);
    return rc || strcmp(timing, "sampled") ? rc : cost_sample(c, t, err);
}

const char *timing_word(const struct cost *c) { return c->kind == COST_SAMPLED ? "sampled" : c->kind == COST_HARDWARE ? "hardware" : "model"; }

void timing_say(const struct cost *c, char *words, size_t n) {
    if (c->kind == COST_HARDWARE) {
        snprintf(words, n, "seconds are a roofline's of '%s': nothing of this was measured there", c->name);
        return;
    }
    snprintf(words, n, "seconds are %s recorded timings (%ld verifications, median error %.1f%%)%s", c->kind == COST_SAMPLED ? "modelled from and spread like" : "modelled from",
             c->rows, 100 * c->error, c->calibrated ? ", calibrated by some timed as live decoding has them" : "");
}

int timing_print_residuals(const struct cost *c, const struct trace *t, struct err *err) {
    struct cost_residual at[COST_WIDTHS];
    int n;
    if (c->kind == COST_HARDWARE) {
        puts("\na roofline has no residuals");
        return 0;
    }
    if (cost_residuals(c, t, at, &n, err)) return ERR_FAILED;
    printf("\nresiduals of verification, recorded over modelled time in per cent, and the factor on one that follows no draft\n"
           "%6s%9s%9s%9s%9s%9s%9s\n", "width", "timings", "p10", "p50", "p90", "worst", "factor");
    for (int i = 0; i < n; i++)
        printf("%6d%9ld%+9.1f%+9.1f%+9.1f%+9.1f%9.3f\n", at[i].width, at[i].n, at[i].p10, at[i].p50, at[i].p90, at[i].worst, 1 - c->spared[at[i].width]);
    return 0;
}
