# lengths.gp - a panel a drafter: bars are the accepted lengths that were seen, the line is the fitted truncated geometric.

D = |drafter|
title = 'Accepted lengths by drafter (bars), and the truncated geometric fitted to them (line)'
stats $data using c_share:c_fitted nooutput
top = 1.08 * (STATS_max_x > STATS_max_y ? STATS_max_x : STATS_max_y)
stats $data using c_accepted nooutput
longest = STATS_max
across = D <= 3 ? D : D == 4 ? 2 : 3
down = (D + across - 1) / across
left = term ? 8 * letter : 0.085; right = 0.985
low = (term ? 1.5 : 1.6) * line; high = 1 - (term ? 3 : 3.0) * line
step_x = (right - left) / across
step_y = (high - low) / down
set xtics longest > 16 ? 4 : longest > 8 || across > 2 && longest > 6 ? 2 : 1
unset grid
set grid ytics
eval draw_heading
set label 9003 'accepted tokens of a draft' at screen (left + right) / 2, screen (term ? 0.5 : 1.0) * line center
y_words = 'share of drafts'
eval draw_y_panels
set multiplot
do for [d = 1:D] {
    x = (d - 1) % across; y = down - 1 - (d - 1) / across
    set lmargin at screen left + x * step_x
    set rmargin at screen left + (x + 1) * step_x - (term ? 3 * letter : 0.022)
    set bmargin at screen low + y * step_y + (term ? 2 : 2.2) * line
    set tmargin at screen low + (y + 1) * step_y - (term ? 2 : 2.7) * line
    set xrange [*:*]; set yrange [*:*]
    stats $data index d - 1 using c_p:c_chi2 nooutput
    p = STATS_max_x; chi2 = STATS_max_y
    stats $data index d - 1 using c_df:c_p_value nooutput
    df = STATS_max_x; p_value = STATS_max_y
    stats $data index d - 1 using c_rounds:c_proposing nooutput
    rounds = STATS_max_x; proposing = STATS_max_y
    set label 9010 sprintf('%s: %d drafts', fit(drafter[d], int(step_x / letter) - 12), proposing) at graph 0, graph 1 \
        offset 0, term ? 2 : 1.75 left font font(0.88)
    verdict = df == 0 ? 'too few to test' : sprintf('%s: χ² = %s, %d df, p-value %s', p_value < 0.01 ? 'no fit' : 'fits', brief(chi2), \
        df, p_value < 1e-4 ? sprintf('%.0e', p_value) : brief(p_value))
    set label 9011 sprintf('p = %.3f', p) . (term ? '' : '; ' . verdict) \
        at graph 0, graph 1 offset 0, term ? 1 : 0.6 left font font(0.68)
    set format y (x == 0 ? '%g' : '')
    set xrange [-0.6:longest + 0.6]
    set yrange [0:top]
    if (term) {
        plot $data index d - 1 using c_accepted:c_share with impulses linetype 3, '' index d - 1 using c_accepted:c_fitted \
            with points pointtype 15
    } else {
        plot $data index d - 1 using c_accepted:c_share:(0.7) \
                 with boxes fillstyle solid noborder lc rgb tint(palette[1 + (d - 1) % 6], 0.75), \
             '' index d - 1 using c_accepted:c_fitted with linespoints lw 2 lc rgb 'black' pointtype 7 pointsize 0.6
    }
    do for [k = 1:9] { unset label 9000 + k }
}
unset multiplot
