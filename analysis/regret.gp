# regret.gp - one curve a policy, its 95% band, its name and last value at the curve's end.
#
# Curves come in the order of their last values, highest first. The scale fits the policies worth
# comparing: a curve that ends at more than three times the median (plain decoding, say)
# leaves the picture at the top, and its label says so.

seconds = figure eq 'regret-seconds'
over_prompts = figure eq 'regret-prompts'
title = over_prompts ? 'Regret in rounds, added up over prompts, against the best fixed arm of each, 95% bands' \
      : figure eq 'regret-bounds' ? 'Regret in rounds against the best fixed arm, and what theory promises of it' \
      : seconds ? 'Regret in seconds: time lost against the best fixed arm of each prompt, 95% bands' \
                : 'Regret in rounds: rounds lost against the best fixed arm of each prompt, 95% bands'
n = |spec|
array last[n]; array low[n]; array high[n]; array style[n]; array place[n]; array words[n]
do for [i = 1:n] {
    stats $data index i - 1 using c_final:c_style nooutput
    last[i] = STATS_max_x; style[i] = STATS_max_y
    stats $data index i - 1 using c_lo:c_hi nooutput
    low[i] = STATS_min_x; high[i] = STATS_max_y
}
stats $data using c_tokens:c_prompts nooutput
tokens = STATS_max_x; fewest = STATS_min_y; most = STATS_max_y

stats $data index 0 using c_tokens nooutput
records = int(STATS_records)
step = 1 + records / 6

# Range of y.
median = last[(n + 1) / 2]
far(i) = median > 0 && last[i] > 3 * median
top = 0; bottom = 0
do for [i = 1:n] { if (!far(i) && high[i] > top) { top = high[i] } }
do for [i = 1:n] { if (low[i] < bottom) { bottom = low[i] } }
if (top <= 0) { top = bottom < 0 ? -0.1 * bottom : 1 }
if (bottom < -1.2 * top && median > 0) { bottom = -0.6 * top }
top = top + 0.04 * (top - bottom)
set yrange [bottom:top]
set xrange [0:tokens]

# Labels at the curves' ends: moved apart until none overlap.
wide = 0
do for [i = 1:n] {
    name = fit(spec[i], term ? 28 : 34)
    words[i] = name . '  ' . (last[i] > top ? '↑ ' : last[i] < bottom ? '↓ ' : '') . brief(last[i])
    if (term) { words[i] = sprintf('%c ', 65 + (i - 1) % 26) . words[i] }
    if (strlen(words[i]) > wide) { wide = strlen(words[i]) }
}
left = seconds ? 0.1 : top >= 1000 ? 0.108 : 0.09
right = 1 - (wide * letter * (term ? 1 : 0.95)) - (term ? 0.02 : 0.055)
floor_ = term ? 4 * line : 0.125
roof = 1 - (term ? 2 : 3.4) * line
gap = (term ? 1.0 : 1.02) * line / (roof - floor_)
shrink = gap * (n - 1) > 1 ? 1 / (gap * (n - 1)) : 1   # a crowd of policies gets small letters
gap = gap * shrink
clip(y) = y > 1 ? 1 : y < 0 ? 0 : y
do for [i = 1:n] { place[i] = clip((last[i] - bottom) / (top - bottom)) }
do for [k = 1:80] {
    do for [i = 2:n] {
        lap = gap - (place[i - 1] - place[i])
        if (lap > 0) { place[i - 1] = place[i - 1] + lap / 2; place[i] = place[i] - lap / 2 }
    }
    if (place[1] > 1) { place[1] = 1 }
    if (place[n] < 0) { place[n] = 0 }
}
do for [i = 2:n] { if (place[i] > place[i - 1] - gap) { place[i] = place[i - 1] - gap } }
do for [i = 1:n] {
    if (term) {
        set label i words[i] at graph 1 + 0.012 / (right - left), graph place[i] left
    } else {
        end = clip((last[i] - bottom) / (top - bottom))
        set arrow i from graph 1.0, graph end to graph 1 + 0.030 / (right - left), graph place[i] nohead lw 0.9 lc rgb colour(style[i])
        set label i words[i] at graph 1 + 0.036 / (right - left), graph place[i] left font font(0.88 * shrink) textcolor rgb ink(colour(style[i]))
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
set xlabel over_prompts ? 'prompts' : fewest < most ? 'emitted tokens s (while at least half of the prompts go on)' : 'emitted tokens s' offset 0, term ? 0 : 0.3
set ylabel seconds ? 'regret (s, ' . (timing eq 'model' ? 'modelled' : 'measured') . ')' : 'regret (rounds)' offset term ? 2 : 1.2, 0
set xzeroaxis lt 1 lw 1.2 lc rgb '#404040'
eval draw_heading

if (term) {
    # Letters close the gaps between the few points of a long curve.
    set samples 120
    if (records > 3) {
        plot for [i = 1:n] $data index i - 1 using c_tokens:c_regret smooth mcsplines with points pointtype 1 + (i - 1) % 26
    } else {
        plot for [i = 1:n] $data index i - 1 using c_tokens:c_regret with points pointtype 1 + (i - 1) % 26
    }
} else {
    plot for [i = 1:n] $data index i - 1 using c_tokens:c_lo:c_hi \
             with filledcurves fillstyle transparent solid (best[i] ? 0.20 : 0.09) noborder fillcolor rgb colour(style[i]), \
         for [i = 1:n] $data index i - 1 using c_tokens:c_regret \
             with linespoints linewidth (best[i] ? 2.4 : 1.4) dashtype dash(style[i]) linecolor rgb colour(style[i]) \
                  pointtype mark(style[i]) pointsize (style[i] < 0 ? 0 : 0.6) pointinterval step
}
