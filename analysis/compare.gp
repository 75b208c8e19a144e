# compare.gp - a row a policy or arm, the fastest in A on top: its speed-up over plain decoding in A (disc) and, below, in B (square).

n = |spec|
title = 'Speed-up over plain decoding in A and in B, 95% intervals'
note = some_of(n, what[1], 'the fastest in A')
array a[n]; array b[n]
top = 0; bottom = 1
do for [i = 1:n] {
    stats $data index i - 1 using c_up_a:c_up_b nooutput
    a[i] = STATS_max_x; b[i] = STATS_max_y
    # The scale fits the values, and intervals not far beyond: those end in an arrow.
    top = a[i] > top ? a[i] : top; top = b[i] > top ? b[i] : top
}
most = 1.5 * top
do for [i = 1:n] {
    stats $data index i - 1 using c_hi_a:c_hi_b nooutput
    if (STATS_max_x > top) { top = STATS_max_x < most ? STATS_max_x : most }
    if (STATS_max_y > top) { top = STATS_max_y < most ? STATS_max_y : most }
    stats $data index i - 1 using c_lo_a:c_lo_b nooutput
    bottom = STATS_min_x < bottom ? STATS_min_x : bottom; bottom = STATS_min_y < bottom ? STATS_min_y : bottom
}
room = 0.04 * (top - bottom)
top = top + room; bottom = bottom - room < 0 ? 0 : bottom - room

wide = 0
do for [i = 1:n] { if (strlen(fit(spec[i], 34)) > wide) { wide = strlen(fit(spec[i], 34)) } }
left = wide * letter * 0.92 + 0.035
right = 1 - 16 * letter
set lmargin at screen left
set rmargin at screen right
set bmargin at screen 4 * line
set tmargin at screen 1 - (6.4 + noted) * line
set xrange [bottom:top]
set yrange [n + 0.6:0.4]
unset ytics
set border 1
set grid xtics
set xlabel 'speed-up over plain decoding of the same side (dashed line: no faster)' offset 0, 0.3
eval draw_heading
set label 9007 short(side_b[1]) at screen 0.015, screen 1 - 3.3 * line left font font(small_enough(short(side_b[1]))) \
    textcolor rgb '#606060'
if (noted) { set label 9008 note at screen 0.015, screen 1 - 4.35 * line left font font(0.78) }

array shade[2] = ['#0072B2', '#D55E00']
array sign[2] = [7, 5]
array side[2] = ['A', 'B']
do for [k = 1:2] {
    at = 1 - (k == 1 ? 8.6 : 1.5) * letter
    set label 900 + k side[k] at screen at, screen 1 - (5.6 + noted) * line right textcolor rgb ink(shade[k])
    set label 910 + k side[k] at screen left + (k - 1) * 0.06 + 0.022, screen 1 - (5.6 + noted) * line left textcolor rgb ink(shade[k])
    set label 920 + k '' at screen left + (k - 1) * 0.06 + 0.01, screen 1 - (5.6 + noted) * line point pointtype sign[k] pointsize 0.9 \
        linecolor rgb shade[k]
}
do for [i = 1:n] {
    set label 100000 + i fit(spec[i], 34) at graph -0.012, first i right font font(0.92)
    set label 200000 + i sprintf('%.2f×', a[i]) at screen 1 - 8.6 * letter, first i right font font(0.92)
    set label 300000 + i sprintf('%.2f×', b[i]) at screen 1 - 1.5 * letter, first i right font font(0.92)
}
set arrow 1 from first 1, graph 0 to first 1, graph 1 nohead back lw 1.4 dashtype 12 lc rgb '#404040'
c_lo(k) = k == 1 ? c_lo_a : c_lo_b
c_hi(k) = k == 1 ? c_hi_a : c_hi_b
c_up(k) = k == 1 ? c_up_a : c_up_b
whole(k) = column(c_hi(k)) > top ? NaN : column(c_lo(k))
cut(k) = column(c_hi(k)) > top ? column(c_lo(k)) : NaN
row(i, k) = i + (k == 1 ? -0.17 : 0.17)
plot for [k = 1:2] for [i = 1:n] $data index i - 1 using (whole(k)):(row(i, k)):(column(c_hi(k)) - column(c_lo(k))):(0) \
         with vectors heads nofilled size screen 0.005, 90 lw 1.6 lc rgb shade[k], \
     for [k = 1:2] for [i = 1:n] $data index i - 1 using (cut(k)):(row(i, k)):(top - column(c_lo(k))):(0) \
         with vectors filled size screen 0.008, 25 lw 1.6 lc rgb shade[k], \
     for [k = 1:2] for [i = 1:n] $data index i - 1 using (cut(k)):(row(i, k)):(0.02 * top):(0) \
         with vectors backhead nofilled size screen 0.005, 90 lw 1.6 lc rgb shade[k], \
     for [k = 1:2] for [i = 1:n] $data index i - 1 using c_up(k):(row(i, k)) with points pointtype sign[k] pointsize 0.9 lc rgb shade[k]
