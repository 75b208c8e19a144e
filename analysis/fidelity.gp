# fidelity.gp - a row a policy, the fastest live on top: tokens per second live (hollow) and simulated (full), and the difference in per
# cent. Its interval is live's to print (BCa, sim/fidelity.c).

n = |spec|
stats $data using (abs(column(c_percent))) nooutput
title = sprintf('Simulated beside live: tokens per second differ by %s%% on average, at most %s%%', brief(STATS_mean), brief(STATS_max))
array style[n]; array live[n]; array simulated[n]; array percent[n]
do for [i = 1:n] {
    stats $data index i - 1 using c_style:c_percent nooutput
    style[i] = STATS_max_x; percent[i] = STATS_max_y
    stats $data index i - 1 using c_live:c_simulated nooutput
    live[i] = STATS_max_x; simulated[i] = STATS_max_y
}
settle_n = n
eval settle
stats $data using c_live:c_simulated nooutput
top = STATS_max_x > STATS_max_y ? STATS_max_x : STATS_max_y
bottom = STATS_min_x < STATS_min_y ? STATS_min_x : STATS_min_y
room = top > bottom ? 0.06 * (top - bottom) : 0.1 * top
set xrange [bottom - room:top + room]
wide = 0
do for [i = 1:n] { if (strlen(fit(spec[i], 34)) > wide) { wide = strlen(fit(spec[i], 34)) } }
left = wide * letter * (term ? 1 : 0.92) + (term ? 0.03 : 0.035)
right = 1 - 32 * letter
set lmargin at screen left
set rmargin at screen right
set bmargin at screen 4 * line
set tmargin at screen 1 - (term ? 5 : 5.6) * line
set yrange [n + 0.7:0.3]
if (term) {
    taken = 2 * (n + 1) <= lines - 9 ? 2 * (n + 1) : n + 1
    set yrange [n + 1:0]
    set bmargin at screen 1 - (5 + taken) * line
}
unset ytics
set border 1
set grid xtics
set xlabel 'tokens per second' offset 0, term ? 0 : 0.3
eval draw_heading
heads = term ? 'live simul. differ' : 'live simulated difference'
do for [k = 1:3] {
    at = 1 - (k == 1 ? 25 : k == 2 ? 15.5 : 1.5) * letter
    set label 900 + k word(heads, k) at screen at, screen 1 - (term ? 4 : 5) * line right font font(0.8)
}
do for [i = 1:n] {
    set label 100000 + i fit(spec[i], 34) at graph -0.012, first i right font font(0.92) \
        textcolor rgb (term ? 'black' : ink(colour(style[i])))
    set label 200000 + i brief(live[i]) at screen 1 - 25 * letter, first i right font font(0.92)
    set label 300000 + i brief(simulated[i]) at screen 1 - 15.5 * letter, first i right font font(0.92)
    set label 400000 + i sprintf('%+.1f%%', percent[i]) at screen 1 - 1.5 * letter, first i right font font(0.92)
    if (!term) { set arrow i from first live[i], first i to first simulated[i], first i nohead lw 3 lc rgb tint(colour(style[i]), 0.45) }
}
set label 905 term ? 'o live   * simulated' : 'hollow: live;  full: simulated' at screen left, screen 1 - (term ? 3.5 : 5) * line left \
    font font(0.85)
if (term) {
    do for [i = 1:n] {
        set label 500000 + i 'o' at first live[i], first i center
        set label 600000 + i '*' at first simulated[i], first i center
    }
    plot NaN notitle
} else {
    plot for [i = 1:n] '+' every ::0::0 using (simulated[i]):(i) with points pointtype 7 pointsize 1.3 lc rgb colour(style[i]), \
         for [i = 1:n] '+' every ::0::0 using (live[i]):(i) with points pointtype 6 pointsize 1.5 lw 2 lc rgb colour(style[i])
}
