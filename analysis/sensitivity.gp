# sensitivity.gp - how much a parameter matters: tokens per second over its values with 95% intervals, a panel a parameter, a line each setting of
# the other parameters. The tics are the values themselves. Ranges are opened before statistics, which leave out what lies beyond them.

P = |panel|
title = 'Sensitivity to parameters: tokens per second, 95% intervals' . (timing eq 'model' ? ' (modelled time)' : '')
stats $data using c_hi nooutput
top = STATS_max
stats $data using c_lo nooutput
bottom = STATS_min
room = 0.08 * (top - bottom)
across = P <= 3 ? P : P <= 4 ? 2 : 3
down = (P + across - 1) / across
left = term ? 9 * letter : 0.085; right = 0.985
low = (term ? 1.5 : 1.2) * line; high = 1 - (term ? 3 : 3.0) * line
step_x = (right - left) / across
step_y = (high - low) / down
eval draw_heading
y_words = 'tokens per second'
eval draw_y_panels
set multiplot
do for [p = 1:P] {
    x = (p - 1) % across; y = down - 1 - (p - 1) / across
    set lmargin at screen left + x * step_x
    set rmargin at screen left + (x + 1) * step_x - (term ? 3 * letter : 0.03)
    set bmargin at screen low + y * step_y + (term ? 3 : 2.6) * line
    set tmargin at screen low + (y + 1) * step_y - (term ? 1 : 1.7) * line
    set xrange [*:*]; set yrange [*:*]
    stats $data index p - 1 using c_line:c_numbers nooutput
    series = int(STATS_max_x) + 1
    numbers = STATS_min_y
    stats $data index p - 1 using c_x nooutput
    x_low = STATS_min; x_high = STATS_max
    set xlabel panel[p][strstrt(panel[p], ': ') + 2:] offset 0, term ? 0 : 0.5
    set label 9005 fit(panel[p], int(step_x / letter) - 4) at graph 0, graph 1 offset 0, term ? 1 : 0.55 left font font(0.92)
    set format y (x == 0 ? '%g' : '')
    array others_[series]
    do for [s = 1:series] {
        stats $data index p - 1 using (column(c_line) == s - 1 ? column(c_others) : NaN) nooutput
        others_[s] = fit(others[int(STATS_max)], 30)
    }
    logs = numbers > 0 && x_low > 0 && x_high / x_low >= 20
    unset logscale x
    if (logs) { set logscale x; set xrange [x_low / (x_high / x_low) ** 0.06:x_high * (x_high / x_low) ** 0.06] } else {
        reach = x_high > x_low ? x_high - x_low : 1
        set xrange [x_low - 0.06 * reach:x_high + 0.06 * reach]
    }
    set yrange [bottom - room:top + room]
    small = font(0.75)
    if (series > 1 && series <= 8) { set key inside bottom right reverse Left samplen 1.5 noenhanced font small } else { unset key }
    set xtics () nomirror
    small = font(0.85)
    set xtics font small
    plot for [s = 1:series] $data index p - 1 using (column(c_line) == s - 1 ? column(c_x) : NaN):c_speed:(term ? column(c_speed) : column(c_lo)):(term ? column(c_speed) : column(c_hi)):xticlabel(word[int(column(c_word))]) \
             with yerrorlines linewidth 1.8 linecolor rgb palette[1 + (s - 1) % 6] dashtype dash(s - 1) pointtype (term ? s : mark(s - 1)) pointsize 0.9 title others_[s]
    undefine others_
    do for [k = 1:9] { unset label 9000 + k }
}
unset multiplot
