/* gnuplot.h - runs gnuplot on a script, without a shell.
 *
 * The script is its standard input and the picture its standard output, so that no
 * file name has to be quoted. */
#ifndef ANALYSIS_GNUPLOT_H
#define ANALYSIS_GNUPLOT_H

#include <stdio.h>

#include "core/err.h"

/* `script` is an open file that holds the script (read from its start); the picture goes to the file
 * descriptor `picture`. gnuplot missing, a failed script (with gnuplot's own words) or a
 * signal is one line in `err`. The user's own gnuplot settings file is not read. */
int gnuplot_run(FILE *script, int picture, struct err *err);

#endif
