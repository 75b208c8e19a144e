# serving.gp - a curve a policy: throughput over plain decoding, in per cent, against the requests decoded at once. The best fixed arm of
# each batch size is the dashed black line, its name below the axis; every other fixed arm is a thin grey one.

title = 'Throughput over plain decoding by batch size'
n = |spec|
array style[n]; array final[n]
do for [i = 1:n] {
    stats $data index i - 1 using c_style:c_percent nooutput
    style[i] = STATS_max_x
    if (style[i] == -1) { best = i }
    stats $data index i - 1 using c_final nooutput
    final[i] = 100 * (STATS_max - 1)
}
settle_n = n
eval settle
stats $data using c_bsz:c_percent nooutput
b_low = STATS_min_x; b_high = STATS_max_x
stats $data using (column(c_style) > -9 ? column(c_hi) : column(c_percent)) nooutput
top = STATS_max > 0 ? STATS_max : 1
stats $data using c_percent nooutput
bottom = STATS_min < 0 ? STATS_min : 0
room = 0.05 * (top - bottom)

stats $data index 0 using c_bsz nooutput
batches = int(STATS_records)
set xtics ()
do for [k = 1:batches] {
    stats $data index 0 every ::k - 1::k - 1 using c_bsz nooutput
    bsz = STATS_max
    stats $data index best - 1 using (column(c_bsz) == bsz ? column(c_arm) : NaN) nooutput
    set xtics add (sprintf('%d', bsz) . (term ? '' : "\n" . fit(arm[int(STATS_max)], batches > 6 ? 8 : 14)) bsz)
}

# Labels of all but the grey lines, by their last values.
L = 0
do for [i = 1:n] { if (style[i] > -9) { L = L + 1 } }
array of[L]; array place[L]; array words[L]
L = 0; wide = 0; policies = 0
do for [i = 1:n] {
    if (style[i] > -9) {
        L = L + 1
        of[L] = i
        policies = policies + (style[i] >= 0)
        place[L] = clip((final[i] - bottom) / (top + 2.2 * room - bottom))
        words[L] = (term ? sprintf('%c ', 64 + L) : '') . fit(spec[i], term ? 28 : 34) . sprintf('  %+.1f%%', final[i])
        if (strlen(words[L]) > wide) { wide = strlen(words[L]) }
    }
}
note = some_of(policies, 'policies', 'those with the most tokens per second at the largest batch')
left = 0.09; right = 1 - wide * letter * (term ? 1 : 0.93) - (term ? 0.02 : 0.055)
low = (term ? 4 : 5.1) * line; high = 1 - ((term ? 3 : 3.4) + noted) * line
gap = 1.02 * line / (high - low)
spread_n = L
eval spread
do for [l = 1:L] {
    s = style[of[l]]
    if (term) { set label l words[l] at graph 1 + 0.012 / (right - left), graph place[l] left } else {
        set arrow l from graph 1, first final[of[l]] to graph 1 + 0.030 / (right - left), graph place[l] nohead lw 0.9 lc rgb colour(s)
        set label l words[l] at graph 1 + 0.036 / (right - left), graph place[l] left font font(0.88) textcolor rgb ink(colour(s))
    }
}
set yrange [bottom - (bottom < 0 ? room : 0):top + (term ? 1 : 2.2) * room]
set lmargin at screen left
set rmargin at screen right
set bmargin at screen low
set tmargin at screen high
if (b_high > b_low) { set logscale x 2; set xrange [b_low / (term ? 1 : 1.14):1.0001 * b_high] } else { set xrange [b_low - 1:b_low + 1] }
set xlabel 'batch: requests decoded at once' . (term \
    ? ' (grey: fixed arms)' : ', and the best fixed arm of each (grey: all fixed arms)') offset 0, term ? 0 : -0.7
y_words = 'more tokens per second than plain (%)'
eval draw_y
set xzeroaxis lt 1 lw 1.2 lc rgb '#404040'
eval draw_heading
if (term) {
    plot for [l = 1:L] $data index of[l] - 1 using c_bsz:c_percent with points pointtype l
} else {
    plot for [i = 1:n] $data index i - 1 using (style[i] <= -9 ? column(c_bsz) : NaN):c_percent with lines lw 0.9 lc rgb '#B0B0B0', \
         for [i = 1:n] $data index i - 1 using (style[i] > -9 ? column(c_bsz) : NaN):c_percent:c_lo:c_hi \
             with yerrorlines lw 2.2 dashtype dash(style[i]) lc rgb colour(style[i]) pointtype (style[i] < 0 \
                 ? 7 : mark(style[i])) pointsize (style[i] < 0 ? 0.5 : 0.9)
}
