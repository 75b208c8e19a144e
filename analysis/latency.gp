# latency.gp - a curve a batch and context: the median time of a verification against its width, bars from the 10th to the 90th percentile.
#
# The scale fits the medians, and percentiles not far beyond: a bar that goes on ends in an arrow at the frame.

n = |line_|
title = 'What verifying costs: time of one pass by width (median, 10th to 90th percentile)'
array final[n]; array style[n]; array place[n]; array words[n]
do for [i = 1:n] {
    stats $data index i - 1 using c_final:c_rank nooutput
    final[i] = STATS_max_x; style[i] = STATS_max_y - 1
}
stats $data using c_width:c_p90 nooutput
w_low = STATS_min_x; w_high = STATS_max_x; top = 1.04 * STATS_max_y
stats $data using c_p50 nooutput
top = top > 1.6 * STATS_max ? 1.6 * STATS_max : top
wide = 0
do for [i = 1:n] {
    words[i] = (term ? sprintf('%c ', 64 + i) : '') . fit(line_[i], 34) . '  ' . brief(final[i])
    if (strlen(words[i]) > wide) { wide = strlen(words[i]) }
    place[i] = clip(final[i] / top)
}
left = 0.08; right = 1 - wide * letter * (term ? 1 : 0.9) - (term ? 0.02 : 0.055)
low = (term ? 4 : 3.9) * line; high = 1 - ((term ? 3 : 3.4) + noted) * line
note = some_of(n, 'batches and contexts', 'the recording''s own, and the smallest batches of bench')
gap = 1.02 * line / (high - low)
spread_n = n
eval spread
do for [i = 1:n] {
    if (term) { set label i words[i] at graph 1 + 0.012 / (right - left), graph place[i] left } else {
        set arrow i from graph 1, first final[i] to graph 1 + 0.030 / (right - left), graph place[i] nohead lw 0.9 lc rgb colour(style[i])
        set label i words[i] at graph 1 + 0.036 / (right - left), graph place[i] left font font(0.88) textcolor rgb ink(colour(style[i]))
    }
}
set lmargin at screen left
set rmargin at screen right
set bmargin at screen low
set tmargin at screen high
set xrange [w_low - 0.3:w_high + 0.3]
set xtics w_high > 20 ? 4 : 1
set yrange [0:top]
set xlabel 'width: rows verified for each request' offset 0, term ? 0 : 0.3
y_words = 'time of a verification (ms)'
eval draw_y
eval draw_heading
dodge(i) = n > 1 ? (style[i] - (n - 1) / 2.0) * 0.36 / n : 0
if (term) {
    plot for [i = 1:n] $data index i - 1 using c_width:c_p50 with points pointtype i
} else {
    whole(y) = column(c_p90) > top ? NaN : y
    cut(y) = column(c_p90) > top ? y : NaN
    at(i) = column(c_width) + dodge(i)
    plot for [i = 1:n] $data index i - 1 using (at(i)):(whole(column(c_p10))):(0):(column(c_p90) - column(c_p10)) \
             with vectors heads nofilled size screen 0.006, 90 lw 1.8 lc rgb colour(style[i]), \
         for [i = 1:n] $data index i - 1 using (at(i)):(cut(column(c_p10))):(0):(0.985 * top - column(c_p10)) \
             with vectors filled size screen 0.008, 25 lw 1.8 lc rgb colour(style[i]), \
         for [i = 1:n] $data index i - 1 using (at(i)):(cut(column(c_p10))):(0):(0.02 * top) \
             with vectors backhead nofilled size screen 0.006, 90 lw 1.8 lc rgb colour(style[i]), \
         for [i = 1:n] $data index i - 1 using (at(i)):c_p50 with linespoints lw 1.8 dashtype dash(style[i]) \
             lc rgb colour(style[i]) pointtype mark(style[i]) pointsize 0.8
}
