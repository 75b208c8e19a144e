# drift.gp - a curve a drafter: the probability that a drafted token is accepted, over positions, with its 95% band over prompts.

n = |drafter|
title = 'Acceptance over the text: does it drift? 95% bands over prompts'
array at_end[n]; array order[n]; array mean[n]
top = 0
do for [i = 1:n] {
    stats $data index i - 1 using c_pos:c_rate nooutput
    end_x = STATS_max_x
    stats $data index i - 1 using (column(c_pos) == end_x ? column(c_rate) : NaN) nooutput
    at_end[i] = STATS_max
    stats $data index i - 1 using c_rate:c_tested nooutput
    mean[i] = STATS_mean_x
    order[i] = i
}
# From the highest end to the lowest.
do for [k = 1:n] { do for [i = 2:n] {
    if (at_end[order[i]] > at_end[order[i - 1]]) { swap = order[i]; order[i] = order[i - 1]; order[i - 1] = swap }
} }
stats $data using c_hi nooutput
top = STATS_records > 0 ? 1.04 * STATS_max : 1
stats $data using c_rate nooutput
top = STATS_max > top ? STATS_max : top
top = top > 1 ? 1 : top
stats $data using c_final nooutput
last = STATS_max
array place[n]; array words[n]
wide = 0
do for [i = 1:n] {
    words[i] = (term ? sprintf('%c ', 64 + i) : '') . fit(drafter[order[i]], 26) . '  ' . brief(at_end[order[i]])
    if (strlen(words[i]) > wide) { wide = strlen(words[i]) }
    place[i] = clip(at_end[order[i]] / top)
}
left = 0.09; right = 1 - wide * letter * (term ? 1 : 0.93) - (term ? 0.02 : 0.055)
low = (term ? 4 : 3.9) * line; high = 1 - (term ? 3 : 3.4) * line
gap = 1.02 * line / (high - low)
spread_n = n
eval spread
do for [i = 1:n] {
    if (term) { set label i words[i] at graph 1 + 0.012 / (right - left), graph place[i] left } else {
        set arrow i from graph 1, first at_end[order[i]] to graph 1 + 0.030 / (right - left), \
            graph place[i] nohead lw 0.9 lc rgb colour(order[i] - 1)
        set label i words[i] at graph 1 + 0.036 / (right - left), graph place[i] left \
            font font(0.88) textcolor rgb ink(colour(order[i] - 1))
    }
}
set lmargin at screen left
set rmargin at screen right
set bmargin at screen low
set tmargin at screen high
set xrange [0:last]
set yrange [0:top]
set xlabel 'position s: tokens emitted (while at least half of the texts go on)' offset 0, term ? 0 : 0.3
y_words = 'probability that a drafted token is accepted'
eval draw_y
eval draw_heading
if (term) {
    plot for [i = 1:n] $data index order[i] - 1 using c_pos:c_rate with points pointtype i
} else {
    inside(y) = y > top ? top : y
    plot for [i = 1:n] $data index i - 1 using c_pos:c_lo:(inside(column(c_hi))) \
             with filledcurves fillstyle transparent solid 0.15 noborder fillcolor rgb colour(i - 1), \
         for [i = 1:n] $data index i - 1 using c_pos:c_rate \
             with linespoints lw 2.2 dashtype dash(i - 1) lc rgb colour(i - 1) pointtype mark(i - 1) pointsize 0.8
}
