# speed.gp - tokens per second by policy, the fastest on top, 95% intervals; the upper axis reads the same bars
# as speedup over plain decoding.

title = 'Speed: tokens per second by policy, 95% intervals' . (timing eq 'model' ? ' (modelled time)' : '')
n = |spec|
array style[n]; array speed[n]; array gain[n]; array low[n]; array high[n]
do for [i = 1:n] {
    stats $data index i - 1 using c_style nooutput
    style[i] = STATS_max
    stats $data index i - 1 using c_speed nooutput
    speed[i] = STATS_max
    stats $data index i - 1 using c_lo nooutput
    low[i] = STATS_max
    stats $data index i - 1 using c_hi nooutput
    high[i] = STATS_max
    stats $data index i - 1 using c_speedup nooutput
    gain[i] = STATS_max
}
note = some_of(n, 'policies', 'the fastest')
stats $data using c_plain nooutput
plain = STATS_max
stats $data using c_hi nooutput
top = 1.03 * (STATS_max > plain ? STATS_max : plain)

wide = 0
do for [i = 1:n] { if (strlen(fit(spec[i], 34)) > wide) { wide = strlen(fit(spec[i], 34)) } }
left = wide * letter * (term ? 1 : 0.92) + (term ? 0.03 : 0.035)
right = 1 - 14.5 * letter
set lmargin at screen left
set rmargin at screen right
set bmargin at screen (term ? 4 : 4) * line
set tmargin at screen 1 - ((term ? 5 : 6.9) + noted) * line
set yrange [n + 0.7:0.3]
small = 0.92
if (term) {   # whole rows of letters, one or two a policy
    set yrange [n + 1:0]
    taken = 2 * (n + 1) <= lines - 10 - noted ? 2 * (n + 1) : n + 1
    set bmargin at screen 1 - (5 + noted + taken) * line
}
set xrange [0:top]
unset ytics
set border 1
unset grid
do for [i = 1:n] {
    set label 100000 + i fit(spec[i], 34) at graph -0.012, first i right font font(small)   # tics would read % as a format
    set label i brief(speed[i]) at screen 1 - 8.1 * letter, first i right font font(small)
    set label 200000 + i sprintf('%.2f×', gain[i]) at screen 0.985, first i right font font(small)
}
set xlabel 'tokens per second' offset 0, term ? 0 : 0.3
set arrow 1 from first plain, graph 0 to first plain, graph 1 nohead front lw 1.8 dashtype 12 lc rgb 'black'
if (plain > 0) {
    set x2range [0:top / plain]
    set x2tics nomirror out scale 0.6 format '%g×'
    set border 5
    set x2label 'speedup over plain decoding (dashed line)' offset 0, term ? 0 : -0.3
}
eval draw_heading
thick = term ? 0 : n < 6 ? 0.36 * (n + 0.4) / 6.4 : 0.36   # a few bars are not blocks
if (term) {
    do for [i = 1:n] {
        set label 300000 + i '[' at first low[i], first i center front
        set label 400000 + i ']' at first high[i], first i center front
    }
    plot for [i = 1:n] '+' every ::0::0 using (0):(i):(0):(speed[i]):(i):(i) with boxxyerror linetype (style[i] < 0 ? 5 : 7)
} else {
    plot for [i = 1:n] $data index i - 1 using (column(c_speed) / 2):(i):(0):c_speed:(i - thick):(i + thick) \
             with boxxyerror fillstyle solid (style[i] < 0 ? 0.25 : 0.75) noborder linecolor rgb colour(style[i]), \
         for [i = 1:n] $data index i - 1 using c_speed:(i):c_lo:c_hi with xerrorbars pointtype 7 pointsize 0 lw 1.8 linecolor rgb 'black'
}
