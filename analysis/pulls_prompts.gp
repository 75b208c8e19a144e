# pulls_prompts.gp - what each policy plays on each prompt: a heat map a policy, a row a prompt, a column an arm, dark where it is played
# most.
#
# Columns are grouped by drafter, their draft lengths grow to the right; rows by category.

n = |spec|; C = |category|; D = |drafter|
stats $data using c_arms:c_bins nooutput
K = STATS_max_x; B = STATS_max_y
stats $data using c_prompts nooutput
Q = STATS_max
title = 'Arms played prompt by prompt: does a policy play each kind of text another way?'
array first_row[C]; array last_row[C]
do for [c = 1:C] {
    stats $data using (column(c_category) == c ? column(c_bin) : NaN) nooutput
    first_row[c] = STATS_min; last_row[c] = STATS_max
}
array first_arm[D]; array last_arm[D]
do for [d = 1:D] {
    stats $data using (column(c_drafter) == d ? column(c_place) : NaN) nooutput
    first_arm[d] = STATS_min; last_arm[d] = STATS_max
}
across = n <= 3 ? n : n <= 4 ? 2 : n <= 9 ? 3 : 4
down = (n + across - 1) / across
wide = 0
do for [c = 1:C] { if (strlen(fit(category[c], 18)) > wide) { wide = strlen(fit(category[c], 18)) } }
left = term ? (wide + 1) * letter : 0.058 + wide * letter * 0.75
right = term ? 1 : 0.9
low = (term ? 1.5 : 2.0) * line; high = 1 - ((term ? 3 : 3.3) + noted) * line
note = some_of(n, 'policies', 'those with the least regret in rounds' . (n <= 6 ? ' that play more than one arm' : ''))
step_x = (right - left) / across
step_y = (high - low) / down
pad = term ? 2 * letter : 0.02

set xrange [-0.5:K - 0.5]
set yrange [B - 0.5:-0.5]
unset xtics; unset ytics; unset grid
set palette defined (0 '#FFFFFF', 0.15 '#D6E6F4', 0.4 '#7FB4DA', 0.7 '#0072B2', 1 '#06263F')
set cbrange [0:1]
ramp = " .:-=+*#%@"
eval draw_heading
if (term) {
    set label 9003 'share of rounds, from none to all:  ' . ramp . '   columns: ' . fit(drafter[1], 12) \
        . (D > 1 ? ' .. ' . fit(drafter[D], 12) : '') . ', draft lengths growing' at screen 0.5, screen 0.5 * line center
} else {
    set label 9003 'arms: by drafter, draft lengths growing to the right' at screen (left + right) / 2, screen 1.0 * line center
    set label 9004 (Q > B ? sprintf('%d prompts, about %.0f a row', Q, Q * 1.0 / B) : 'prompts, a row each') at screen 0.016, \
        screen (low + high) / 2 center rotate
    set colorbox user origin screen 0.908, screen low + 0.2 * (high - low) size screen 0.015, screen 0.6 * (high - low)
    small = font(0.8)
    set cbtics 0, 0.25, 1 format '%g' font small
    set label 9005 'share of rounds' at screen 0.984, screen (low + high) / 2 center rotate font font(0.85)
}
set multiplot
do for [i = 1:n] {
    x = (i - 1) % across; y = down - 1 - (i - 1) / across
    if (term) {
        # Letters are points of whole columns and lines.
        l = int((left + x * step_x) / letter + 0.5)
        bottom_line = int((low + y * step_y) / line + 0.5)
        set lmargin at screen l * letter
        set rmargin at screen (l + K - 1) * letter
        set bmargin at screen bottom_line * line
        set tmargin at screen (bottom_line + B - 1) * line
        set xrange [0:K - 1]
        set yrange [B - 1:0]
        unset border
    } else {
        set lmargin at screen left + x * step_x
        set rmargin at screen left + (x + 1) * step_x - pad
        set bmargin at screen low + y * step_y + 1.0 * line
        set tmargin at screen low + (y + 1) * step_y - 1.0 * line
        set border 15
    }
    cap = int((step_x - pad) / letter)
    long = !term && strlen(spec[i]) > cap
    set label 9010 fit(spec[i], long ? int(cap * 1.25) : cap) at graph 0, graph 1 offset 0, term ? 1 : 0.55 left \
        font font(long ? 0.72 : 0.9)
    do for [c = 1:C] {
        unset label 10000 + c; unset arrow 10000 + c
        if (x == 0) {
            set label 10000 + c fit(category[c], 18) at graph 0, first (first_row[c] + last_row[c]) / 2.0 offset term ? -1 : -0.7, 0 right \
                font font(0.75)
        }
        if (!term && c > 1) { set arrow 10000 + c from graph 0, first first_row[c] - 0.5 to graph 1, \
            first first_row[c] - 0.5 nohead front lw 0.6 lc rgb '#808080' }
    }
    if (!term) { do for [d = 1:D] {
        unset label 20000 + d; unset arrow 20000 + d
        if (i + across > n) { set label 20000 + d fit(drafter[d], (last_arm[d] - first_arm[d]) < 2 \
            ? 6 : int((step_x - pad) / K * (last_arm[d] - first_arm[d] + 1) / letter * 1.2)) \
            at first (first_arm[d] + last_arm[d]) / 2.0, graph 0 offset 0, -0.7 center font font(0.75) }
        if (d > 1) { set arrow 20000 + d from first first_arm[d] - 0.5, graph 0 to first first_arm[d] - 0.5, \
            graph 1 nohead front lw 0.6 lc rgb '#808080' }
    } }
    if (term) {
        plot $data index i - 1 using c_place:c_bin:(ramp[int(column(c_share) * 9.99) + 1:int(column(c_share) * 9.99) + 1]) \
            with labels notitle
    } else {
        plot $data index i - 1 \
            using c_place:c_bin:(column(c_place) - 0.5):(column(c_place) + 0.5):(column(c_bin) - 0.5):(column(c_bin) + 0.5):c_share \
            with boxxyerror fillstyle solid noborder linecolor palette
    }
    unset colorbox
    do for [k = 1:9] { unset label 9000 + k }
}
unset multiplot
