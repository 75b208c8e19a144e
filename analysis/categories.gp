# categories.gp - one panel a category, in it a row a policy: a dot and its 95% interval; plain decoding is the dashed line.
#
# Policies stand in the same order in every panel, by their speed over all prompts, so that a category in which the order is another shows.
# In letters the same is a table.

mat = figure eq 'categories-mat'
title = (mat ? 'Tokens emitted a round (MAT)' : 'Tokens per second') . ' by policy and category, 95% intervals' \
      . (!mat && timing eq 'model' ? ' (modelled time)' : '')
n = |spec|; C = |category|
note = some_of(n, 'policies', 'the fastest, plain decoding and those that use hindsight')

array style[n]
do for [i = 1:n] {
    stats $data using (column(c_spec) == i ? column(c_style) : NaN) nooutput
    style[i] = STATS_max
}
array prompts[C]; array plain[C]
do for [k = 1:C] {
    stats $data index k - 1 using c_prompts:c_plain nooutput
    prompts[k] = STATS_max_x; plain[k] = STATS_max_y
}
# The scale fits the values, and intervals not far beyond: with few prompts those reach far, and end in an arrow then.
stats $data using c_value nooutput
most = STATS_max; least = STATS_min
stats $data using (column(c_hi) < 1.35 * most ? column(c_hi) : most) nooutput
top = 1.03 * (STATS_max > most ? STATS_max : most)

eval draw_heading
if (term) {
    # A table: the value and its interval, in as many blocks of categories as fit the width.
    unset border; unset tics; unset grid
    set lmargin 0; set rmargin 0; set tmargin 0; set bmargin 0
    name = 18; cell = 20; across = 4; at_row = 3 + noted
    array low[n]; array high[n]; array value[n]
    do for [b = 0:(C - 1) / across] {
        set label 800000 + b 'policy' at screen 0, screen 1 - at_row * line left
        do for [k = b * across + 1:(b + 1) * across < C ? (b + 1) * across : C] {
            x = (name + 1 + (k - b * across) * cell - 1) * letter
            set label 700000 + k fit(category[k], 18) at screen x, screen 1 - at_row * line right
            do for [i = 1:n] {
                stats $data index k - 1 using (column(c_spec) == i ? column(c_value) : -1) nooutput
                words = STATS_max < 0 ? '' : brief(STATS_max)
                stats $data index k - 1 using (column(c_spec) == i && column(c_half) >= 0 ? column(c_lo) : -1) \
                    :(column(c_spec) == i && column(c_half) >= 0 ? column(c_hi) : -1) nooutput
                words = words . (STATS_max_y < 0 ? '' : sprintf(' [%s, %s]', brief(STATS_max_x), brief(STATS_max_y)))
                set label 20000 + 1000 * k + i words at screen x, screen 1 - (at_row + i) * line right
            }
        }
        do for [i = 1:n] { set label 500000 + 1000 * b + i fit(spec[i], name) at screen 0, screen 1 - (at_row + i) * line left }
        at_row = at_row + n + 2
    }
    set label 9003 (mat ? 'tokens emitted a round' : 'tokens per second') . ' [95% interval]; one prompt has none' \
        at screen 0.5, screen 1 - (at_row - 0.5) * line center
    set xrange [0:1]; set yrange [0:1]
    plot NaN notitle
} else {
    wide = 0
    do for [i = 1:n] { if (strlen(fit(spec[i], 26)) > wide) { wide = strlen(fit(spec[i], 26)) } }
    across = C < 4 ? C : 4
    down = (C + across - 1) / across
    left = 0.032 + wide * letter * 0.82; right = 0.985
    low_ = 3.6 * line; high_ = 1 - (3.2 + noted) * line
    step_x = (right - left) / across
    step_y = (high_ - low_) / down
    set label 9003 (mat ? 'tokens emitted a round' : 'tokens per second') . '; dashed line: plain decoding; (n): prompts' \
        at screen (left + right) / 2, screen 1.0 * line center
    set xrange [0:top]
    set yrange [n + 0.6:0.4]
    unset ytics
    set grid xtics
    small = font(0.82)
    set xtics 0, tics(top, 4), 0.92 * top font small
    whole(x) = column(c_half) < 0 || column(c_hi) > top ? NaN : x   # there is an interval, and all of it in the panel
    cut(x) = column(c_half) >= 0 && column(c_hi) > top ? x : NaN    # it goes on: an arrow
    of(i, x) = column(c_spec) == i ? x : NaN
    set multiplot
    do for [k = 1:C] {
        x = (k - 1) % across; y = down - 1 - (k - 1) / across
        set lmargin at screen left + x * step_x
        set rmargin at screen left + (x + 1) * step_x - 0.018
        set bmargin at screen low_ + y * step_y + 0.3 * line
        set tmargin at screen low_ + (y + 1) * step_y - 1.9 * line
        words = sprintf('%s (%d)', fit(category[k], int(step_x / letter * 1.1) - 5), prompts[k])
        set label 9005 words at graph 0, graph 1 offset 0, 0.55 left font font(0.84)
        set format x (k + across > C ? '%g' : '')
        do for [i = 1:n] {
            if (x == 0) { set label 10000 + i fit(spec[i], 26) at graph 0, first i offset -0.8, 0 right \
                font font(0.82) textcolor rgb ink(colour(style[i])) } else { unset label 10000 + i }
        }
        set arrow 1 from first plain[k], graph 0 to first plain[k], graph 1 nohead back lw 1.4 dashtype 12 lc rgb '#404040'
        plot for [i = 1:n] $data index k - 1 using (of(i, whole(column(c_value)))):(i):c_lo:c_hi \
                 with xerrorbars pointtype 0 pointsize 0 lw 1.6 linecolor rgb colour(style[i]), \
             for [i = 1:n] $data index k - 1 using (of(i, column(c_value))):(i) \
                 with points pointtype (style[i] < 0 ? 7 : mark(style[i])) pointsize (style[i] < 0 ? 0.6 : 0.8) lw 1.6 \
                 linecolor rgb colour(style[i]), \
             for [i = 1:n] $data index k - 1 using (of(i, cut(column(c_lo)))):(i):(top - column(c_lo)):(0) \
                 with vectors filled size screen 0.008, 25 lw 1.6 linecolor rgb colour(style[i]), \
             for [i = 1:n] $data index k - 1 using (of(i, cut(column(c_lo)))):(i):(0.02 * top):(0) \
                 with vectors backhead nofilled size screen 0.006, 90 lw 1.6 linecolor rgb colour(style[i])
        do for [j = 1:9] { unset label 9000 + j }
    }
    unset multiplot
}
