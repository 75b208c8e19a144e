# pulls.gp - what each policy plays, over rounds: stacked shares of the arms, one panel a policy.
#
# A drafter has a hue and a pattern, its draft lengths grow darker; plain decoding is light grey. So arms are told apart without colour.
# In letters an arm has one of its own. The order of the stack is that of the legend.

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

deep(k) = shades[k] < 2 ? 1 : 0.3 + 0.7 * (shade[k] - 1) / (shades[k] - 1)
base(k) = palette[1 + int(hue[k] + 5) % 6]
arm_colour(k) = hue[k] < 0 ? '#EDEDED' : tint(base(k), deep(k))
hatch(k) = hue[k] < 0 ? '#A6A6A6' : deep(k) > 0.6 ? tint(base(k), 0.5) : base(k)   # light on dark, dark on light

across = n <= 2 ? n : n <= 4 ? 2 : n <= 9 ? 3 : 4
down = (n + across - 1) / across
wide = 0
do for [k = 1:K] { if (strlen(fit(arm[k], 18)) > wide) { wide = strlen(fit(arm[k], 18)) } }
left = 0.085; right = 1 - wide * letter - 0.06
low = (term ? 4 : 3.9) * line; high = 1 - (2.6 + noted) * line
note = some_of(n, 'policies', 'those with the least regret in rounds' . (n <= 6 ? ' that play more than one arm' : ''))
pitch = term ? line : K * 1.35 * line > high - low ? (high - low) / K : 1.35 * line
signs = '.' . 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*#$%@&=+'   # arms in letters; plain decoding is the first
array sign[K]
taken = 1
do for [k = 1:K] {
    if (hue[k] >= 0) { taken = taken + 1 }
    sign[k] = hue[k] < 0 ? signs[1:1] : taken > strlen(signs) ? '?' : signs[taken:taken]
}
array pattern[6] = [3, 4, 5, 1, 6, 2]   # over the hue, by drafter: none (3), stripes, those the other way, a net, ...
arm_pattern(k) = hue[k] < 0 ? 7 : pattern[1 + int(hue[k] + 5) % 6]
step_x = (right - left) / across
step_y = (high - low) / down

# In letters: at every column of a bucket, and at the height of every line, the letter of the arm that reaches over it.
column_ = 1.0 / ((step_x - 0.035) * 99)
rows_ = int((step_y - 2.2 * line) / line + 0.5)
height_(r) = (r + 0.5) / (rows_ + 1)
at(c, round) = first ? (round + 1) * (rounds + 1) ** (c * column_) : round + c * column_ * rounds
width(from, to) = first ? log((to + 1.0) / (from + 1)) / log(rounds + 1) : (to - from) / rounds
stats $data using (width(column(c_round), column(c_next))) nooutput
columns = int(STATS_max / column_)

eval draw_heading
set label 9003 (first) ? 'round of the sequence (log scale)' : 'rounds since the sequence began' \
    at screen (left + right) / 2, screen 1.0 * line center
y_words = 'share of rounds'
eval draw_y_panels
do for [k = 1:K] {
    row = (low + high) / 2 + (k - (K + 1) / 2.0) * pitch
    set label 100 + k '' . (term ? sign[k] . ' ' : '') . fit(arm[k], 18) at screen right + 0.045, screen row left \
        font font(pitch < 1.05 * line ? pitch / line / 1.05 : 1)
    if (!term) {
        set object 100 + k rectangle center screen right + 0.025, screen row \
            size screen 0.022, screen 0.7 * pitch fillstyle solid border lc rgb '#404040' fillcolor rgb arm_colour(k) lw 0.5
        if (arm_pattern(k) != 3) { set object 200 + k rectangle center screen right + 0.025, screen row \
            size screen 0.022, screen 0.7 * pitch fillstyle transparent pattern arm_pattern(k) noborder fillcolor rgb hatch(k) }
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
        over(r) = column(c_bottom) <= height_(r) && column(c_top) > height_(r)
        plot for [r = 0:rows_] for [c = 0:columns] $data index i - 1 \
            using (over(r) && at(c, column(c_round)) < column(c_next) + first ? at(c, column(c_round)) : NaN):(1.0 * r / rows_) \
            :(sign[int(column(c_arm))]) with labels
    } else {
        plot for [k = 1:K] $data index i - 1 every :::k - 1::k - 1 \
            using (column(c_round) + first):c_top:(column(c_round) + first):(column(c_next) + first):c_bottom:c_top \
            with boxxyerror fillstyle solid noborder linecolor rgb arm_colour(k), \
            for [k = 1:K] $data index i - 1 every :::k - 1::k - 1 \
            using (column(c_round) + first):(arm_pattern(k) != 3 ? column(c_top) : NaN) \
            :(column(c_round) + first):(column(c_next) + first):c_bottom:c_top \
            with boxxyerror fillstyle transparent pattern arm_pattern(k) noborder linecolor rgb hatch(k)
    }
    do for [k = 1:9] { unset label 9000 + k }
    do for [k = 1:K] { unset label 100 + k }
    if (!term) { do for [k = 1:K] { unset object 100 + k; unset object 200 + k } }
}
unset multiplot
