# sensitivity.gp - how much a parameter matters: tokens per second over its values with 95% intervals, a panel a parameter, a line each
# setting of the other parameters; words are no scale, so they have no line. The tics are the values themselves. Ranges are opened before
# statistics, which leave out what lies beyond them.

P = |panel|; W = |word|
title = 'Sensitivity to parameters: tokens per second, 95% intervals' . (timing eq 'model' ? ' (modelled time)' : '')
stats $data using c_lo:c_hi nooutput
bottom = STATS_min_x; top = STATS_max_y
stats $data using c_line nooutput
most = int(STATS_max) + 1
room = 0.08 * (top - bottom)
top = top + room
bottom = bottom - room * (most > 1 && most <= 8 && !term ? 1 + 1.6 * most : 1)   # legends lie below the lines

across = P <= 3 ? P : P <= 4 ? 2 : 3
down = (P + across - 1) / across
left = term ? 9 * letter : 0.085; right = 0.985
low = (term ? 1.5 : 1.7) * line; high = 1 - ((term ? 3 : 3.0) + noted) * line
note = some_of(P, 'parameters', 'those with the most values')
step_x = (right - left) / across
step_y = (high - low) / down
set label 9003 'value of the parameter named above' at screen (left + right) / 2, screen (term ? 0.5 : 1.0) * line center
y_words = 'tokens per second'
eval draw_y_panels
eval draw_heading
none = -1e300
crowded = 0   # does a panel's lettering need more than a line?
array tic_at[P * W]; array width[P]
do for [p = 1:P] {
    width[p] = 0
    do for [w = 1:W] {
        stats $data index p - 1 using (column(c_word) == w ? column(c_x) : none) nooutput
        tic_at[(p - 1) * W + w] = STATS_max
        if (STATS_max > none) { width[p] = width[p] + strlen(fit(word[w], 10)) + 2 }
    }
    if (!term && width[p] * letter * 0.8 > step_x) { crowded = 1 }
}
set multiplot
do for [p = 1:P] {
    x = (p - 1) % across; y = down - 1 - (p - 1) / across
    set lmargin at screen left + x * step_x
    set rmargin at screen left + (x + 1) * step_x - (term ? 3 * letter : 0.03)
    set bmargin at screen low + y * step_y + (term ? 2 : crowded ? 4.2 : 2.4) * line
    set tmargin at screen low + (y + 1) * step_y - (term ? 1 : 1.7) * line
    set xrange [*:*]; set yrange [*:*]
    stats $data index p - 1 using c_line:c_numbers nooutput
    series = int(STATS_max_x) + 1
    numbers = STATS_min_y
    stats $data index p - 1 using c_x nooutput
    x_low = STATS_min; x_high = STATS_max
    set label 9010 fit(panel[p], int(step_x / letter) - 4) at graph 0, graph 1 offset 0, term ? 1 : 0.55 left font font(0.92)
    set format y (x == 0 ? '%g' : '')
    array others_[series]
    do for [s = 1:series] {
        stats $data index p - 1 using (column(c_line) == s - 1 ? column(c_others) : none) nooutput
        others_[s] = fit(others[int(STATS_max)], 30)
    }
    logs = numbers > 0 && x_low > 0 && x_high / x_low >= 20
    unset logscale x
    reach = x_high > x_low ? x_high - x_low : 1
    if (logs) { set logscale x; set xrange [x_low / (x_high / x_low) ** 0.06:x_high * (x_high / x_low) ** 0.06] } else {
        set xrange [x_low - 0.06 * reach:x_high + 0.06 * reach]
    }
    set yrange [bottom:top]
    small = font(0.75)
    if (series > 1 && series <= 8) { set key inside bottom right reverse Left samplen 1.5 noenhanced font small } else { unset key }
    small = font(0.82)
    set xtics () nomirror font small
    every_ = term ? ceil(width[p] * letter / (step_x - 4 * letter)) : 1
    do for [w = 1:W] { if (tic_at[(p - 1) * W + w] > none && w % every_ == 0) { set xtics add (fit(word[w], 10) tic_at[(p - 1) * W + w]) } }
    if (!term && width[p] * letter * 0.8 > step_x) { set xtics rotate by 35 right } else { set xtics norotate }
    step(s) = (s - (series + 1) / 2.0) * 0.012
    shift(x, s) = logs ? x * (x_high / x_low) ** step(s) : x + step(s) * reach
    if (term) {
        plot for [s = 1:series] $data index p - 1 using (column(c_line) == s - 1 ? column(c_x) : NaN):c_speed \
            with points pointtype s title others_[s]
    } else { if (numbers > 0) {
        plot for [s = 1:series] $data index p - 1 using (column(c_line) == s - 1 ? shift(column(c_x), s) : NaN):c_speed:c_lo:c_hi \
                 with yerrorlines linewidth 1.8 linecolor rgb palette[1 + (s - 1) % 6] dashtype dash(s - 1) \
                 pointtype mark(s - 1) pointsize 0.9 title others_[s]
    } else {
        plot for [s = 1:series] $data index p - 1 using (column(c_line) == s - 1 ? shift(column(c_x), s) : NaN):c_speed:c_lo:c_hi \
                 with yerrorbars linewidth 1.8 linecolor rgb palette[1 + (s - 1) % 6] pointtype mark(s - 1) pointsize 0.9 title others_[s]
    } }
    undefine others_
    do for [k = 1:9] { unset label 9000 + k }
}
unset multiplot
