# pulls.gp - what each policy plays, over rounds: stacked shares of the arms, one panel a policy.
#
# A drafter has a hue, its draft lengths grow darker; plain decoding is light grey. The order of the stack is
# that of the legend.

title = 'Arms played over rounds: what each policy learns to play'
n = |spec|; K = |arm|
array hue[K]; array shade[K]; array shades[K]
do for [k = 1:K] {
    stats $data index 0 every :::k - 1::k - 1 using c_hue:c_shade nooutput
    hue[k] = STATS_max_x; shade[k] = STATS_max_y
    stats $data index 0 every :::k - 1::k - 1 using c_shades nooutput
    shades[k] = STATS_max
}
stats $data using c_next nooutput
rounds = STATS_max
# Buckets that grow (0, 1, 2, 3, 4, 6, 8, 12...) want a log scale, on which rounds count from 1.
stats $data using (column(c_next) - column(c_round)) nooutput
first = STATS_max > 2 * STATS_min ? 1 : 0

arm_colour(k) = hue[k] < 0 ? '#D9D9D9' : tint(palette[1 + int(hue[k] + 5) % 6], shades[k] < 2 ? 1 : 0.3 + 0.7 * (shade[k] - 1) / (shades[k] - 1))

across = n <= 2 ? n : n <= 4 ? 2 : n <= 9 ? 3 : 4
down = (n + across - 1) / across
wide = 0
do for [k = 1:K] { if (strlen(fit(arm[k], 18)) > wide) { wide = strlen(fit(arm[k], 18)) } }
left = 0.085; right = 1 - wide * letter - 0.06
low = (term ? 4 : 3.9) * line; high = 1 - 2.6 * line
pitch = term ? line : K * 1.35 * line > high - low ? (high - low) / K : 1.35 * line
fill = '*#$%@&=*#$%@&=*#$%@&=*#$%@&=*#$%@&=*#$%@&='   # what the dumb terminal fills with, by line
step_x = (right - left) / across
step_y = (high - low) / down

# In letters: a line of each letter up from zero at every column of a bucket, the upper arms first.
column_ = 1.0 / ((step_x - 0.035) * 99)
at(c, round) = first ? (round + 1) * (rounds + 1) ** (c * column_) : round + c * column_ * rounds
width(from, to) = first ? log((to + 1.0) / (from + 1)) / log(rounds + 1) : (to - from) / rounds
stats $data using (width(column(c_round), column(c_next))) nooutput
columns = int(STATS_max / column_)

eval draw_heading
set label 9003 (first) ? 'round of the sequence (log scale)' : 'rounds since the sequence began' at screen (left + right) / 2, screen 1.0 * line center
y_words = 'share of rounds'
eval draw_y_panels
do for [k = 1:K] {
    row = (low + high) / 2 + (k - (K + 1) / 2.0) * pitch
    set label 100 + k '' . (term ? fill[k:k] . ' ' : '') . fit(arm[k], 18) at screen right + 0.045, screen row left \
        font font(pitch < 1.05 * line ? pitch / line / 1.05 : 1)
    if (!term) {
        set object 100 + k rectangle center screen right + 0.025, screen row \
            size screen 0.022, screen 0.7 * pitch fillstyle solid border lc rgb '#404040' fillcolor rgb arm_colour(k) lw 0.5
    }
}
set xrange [first:rounds + first]
if (first) { set logscale x; unset mxtics }
set yrange [0:1]
set ytics 0, 0.5, 1
unset grid
set multiplot
do for [i = 1:n] {
    x = (i - 1) % across; y = down - 1 - (i - 1) / across
    set lmargin at screen left + x * step_x
    set rmargin at screen left + (x + 1) * step_x - 0.035
    set bmargin at screen low + y * step_y
    set tmargin at screen low + (y + 1) * step_y - 2.2 * line
    set label 9005 fit(spec[i], int((step_x - 0.035) / letter)) at graph 0, graph 1 offset 0, term ? 1 : 0.6 left font font(0.92)
    set format x (i + across > n ? '%g' : '')
    set format y (x == 0 ? '%g' : '')
    if (term) {
        plot for [k = K:1:-1] for [c = 0:columns] $data index i - 1 every :::k - 1::k - 1 \
            using (at(c, column(c_round)) < column(c_next) + first ? at(c, column(c_round)) : NaN):c_top with impulses linetype k
    } else {
        plot for [k = 1:K] $data index i - 1 every :::k - 1::k - 1 \
            using (column(c_round) + first):c_top:(column(c_round) + first):(column(c_next) + first):c_bottom:c_top \
            with boxxyerror fillstyle solid noborder linecolor rgb arm_colour(k)
    }
    do for [k = 1:9] { unset label 9000 + k }
    do for [k = 1:K] { unset label 100 + k }
    if (!term) { do for [k = 1:K] { unset object 100 + k } }
}
unset multiplot
