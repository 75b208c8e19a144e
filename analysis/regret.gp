# regret.gp - one curve a policy, its 95% band, its name and last value at the curve's end.
#
# Curves come in the order of their last values, highest first. The scale fits the policies worth
# comparing: a curve that ends at more than three times the median (plain decoding, say)
# leaves the picture at the top, and its label says so. The logarithmic figure has room for all: its y is
# asinh(2 regret), so a logarithm that goes straight through zero and on below it.

seconds = figure eq 'regret-seconds'
over_prompts = figure eq 'regret-prompts'
logs = figure eq 'regret-log'
t(y) = logs ? asinh(2 * y) : y
title = over_prompts ? 'Regret in rounds, added up over prompts, against the best fixed arm of each, 95% bands' \
      : figure eq 'regret-bounds' ? 'Regret in rounds against the best fixed arm, and what theory promises of it' \
      : logs ? 'Regret in rounds on logarithmic axes, 95% bands, and what theory promises of it' \
      : seconds ? 'Regret in seconds: time lost against the best fixed arm of each prompt, 95% bands' \
                : 'Regret in rounds: rounds lost against the best fixed arm of each prompt, 95% bands'
n = |spec|
stats $data using c_shown nooutput
note = some_of(STATS_max, 'policies', over_prompts || figure eq 'regret' ? 'those with the least regret in rounds' \
    : seconds ? 'those with the least regret in seconds' : logs \
    ? 'the eight with the least regret in rounds, ucbspec and exp3spec, whose bounds these are, and plain decoding' \
    : 'the four with the least regret in rounds that need no hindsight, and ucbspec and exp3spec, whose bounds these are')
# The ceiling's full name says which theorems lie on it: the title says that, the label only what it is.
do for [i = 1:n] { if (spec[i][1:23] eq 'every token by itself (') {
    title = 'Regret in rounds ' . spec[i][23:strlen(spec[i]) - 1] . ' than every token by itself)'
    spec[i] = 'every token by itself'
} }
array last[n]; array low[n]; array high[n]; array style[n]; array place[n]; array words[n]
do for [i = 1:n] {
    stats $data index i - 1 using c_final:c_style nooutput
    last[i] = STATS_max_x; style[i] = STATS_max_y
    stats $data index i - 1 using c_lo:c_hi nooutput
    low[i] = t(STATS_min_x); high[i] = t(STATS_max_y)
}
stats $data using c_tokens:c_prompts nooutput
tokens = STATS_max_x; fewest = STATS_min_y; most = STATS_max_y

stats $data index 0 using c_tokens nooutput
records = int(STATS_records)
step = 1 + records / 6

# Range of y.
median = last[(n + 1) / 2]
far(i) = !logs && median > 0 && last[i] > 3 * median
top = 0; bottom = 0
do for [i = 1:n] { if (!far(i) && high[i] > top) { top = high[i] } }
do for [i = 1:n] { if (low[i] < bottom) { bottom = low[i] } }
if (top <= 0) { top = bottom < 0 ? -0.1 * bottom : 1 }
if (!logs && bottom < -1.2 * top && median > 0) { bottom = -0.6 * top }
top = top + 0.04 * (top - bottom)
set yrange [bottom:top]
set xrange [logs ? 2 : 0:tokens]
if (logs) {
    set logscale x 2
    set ytics ()
    do for [e = 0:6] { do for [m = 0:1] {
        v = (m ? 3 : 1) * 10.0 ** (e - 1)
        if (v < 0.2) { continue }
        if (t(v) < top) { set ytics add (sprintf('%g', v) t(v)) }
        if (-t(v) > bottom) { set ytics add (sprintf('%g', -v) -t(v)) }
    } }
    set ytics add ('0' 0)
}

# Labels at the curves' ends: moved apart until none overlap.
wide = 0
do for [i = 1:n] {
    name = fit(spec[i], term ? 28 : 34)
    words[i] = name . '  ' . (t(last[i]) > top ? '↑ ' : t(last[i]) < bottom ? '↓ ' : '') . brief(last[i])
    if (term) { words[i] = sprintf('%c ', 65 + (i - 1) % 26) . words[i] }
    if (strlen(words[i]) > wide) { wide = strlen(words[i]) }
}
left = seconds ? 0.1 : top >= 1000 ? 0.108 : 0.09
right = 1 - (wide * letter * (term ? 1 : 0.95)) - (term ? 0.02 : 0.055)
floor_ = (term ? 4 : 3.9) * line
roof = 1 - ((term ? 3 : 3.4) + noted) * line
gap = (term ? 1.0 : 1.02) * line / (roof - floor_)
shrink = gap * (n - 1) > 1 ? 1 / (gap * (n - 1)) : 1   # a crowd of policies gets small letters
gap = gap * shrink
do for [i = 1:n] { place[i] = clip((t(last[i]) - bottom) / (top - bottom)) }
spread_n = n
eval spread
do for [i = 1:n] {
    if (term) {
        set label i words[i] at graph 1 + 0.012 / (right - left), graph place[i] left
    } else {
        end = clip((t(last[i]) - bottom) / (top - bottom))
        set arrow i from graph 1.0, graph end to graph 1 + 0.030 / (right - left), graph place[i] nohead lw 0.9 lc rgb colour(style[i])
        set label i words[i] at graph 1 + 0.036 / (right - left), graph place[i] left \
            font font(0.88 * shrink) textcolor rgb ink(colour(style[i]))
    }
}

# The best four policies that need no hindsight stand out, with their bands.
array best[n]
count = 0
do for [i = n:1:-1] {
    best[i] = style[i] >= 0 && count < 4
    if (style[i] >= 0) { count = count + 1 }
}

set lmargin at screen left
set rmargin at screen right
set bmargin at screen floor_
set tmargin at screen roof
set xlabel over_prompts ? 'prompts' : fewest < most \
    ? 'emitted tokens s (while at least half of the prompts go on)' : 'emitted tokens s' offset 0, term ? 0 : 0.3
y_words = seconds ? 'regret (s, ' . (timing eq 'model' ? 'modelled' : 'measured') . ')' : logs \
    ? 'regret (rounds, logarithmic but near 0)' : 'regret (rounds)'
eval draw_y
set xzeroaxis lt 1 lw 1.2 lc rgb '#404040'
eval draw_heading

if (term) {
    # Letters close the gaps between the few points of a long curve.
    set samples 120
    if (records > 3 && !logs) {
        plot for [i = 1:n] $data index i - 1 using c_tokens:c_regret smooth mcsplines with points pointtype 1 + (i - 1) % 26
    } else {
        plot for [i = 1:n] $data index i - 1 using c_tokens:(t(column(c_regret))) with points pointtype 1 + (i - 1) % 26
    }
} else {
    # Bands end at the frame: gnuplot would drop the points beyond it, and close the band across. A curve that leaves the picture has none.
    inside(y) = t(y) > top ? top : t(y) < bottom ? bottom : t(y)
    plot for [i = 1:n] $data index i - 1 using (far(i) ? NaN : column(c_tokens)):(inside(column(c_lo))):(inside(column(c_hi))) \
             with filledcurves fillstyle transparent solid (best[i] ? 0.20 : 0.09) noborder fillcolor rgb colour(style[i]), \
         for [i = 1:n] $data index i - 1 using c_tokens:(t(column(c_regret))) \
             with linespoints linewidth (best[i] ? 2.4 : 1.4) dashtype dash(style[i]) linecolor rgb colour(style[i]) \
                  pointtype mark(style[i]) pointsize (style[i] < 0 ? 0 : 0.6) pointinterval step
}
