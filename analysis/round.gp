# round.gp - a bar a policy, the fastest on top: milliseconds of a round, verifying (dark), drafting (middle), the policy's own (black).

n = |spec|
title = 'The time of a round by part, the fastest policy on top' . (timing eq 'model' ? ' (modelled time)' : '')
array draft[n]; array verify[n]; array own[n]; array emitted[n]; array cost[n]
top = 0; measured = 0; longest = 0
do for [i = 1:n] {
    stats $data index i - 1 using c_draft:c_verify nooutput
    draft[i] = STATS_max_x; verify[i] = STATS_max_y
    stats $data index i - 1 using c_own:c_measured nooutput
    own[i] = STATS_max_x
    measured = measured || STATS_max_y > 0
    longest = own[i] > longest ? own[i] : longest
    stats $data index i - 1 using c_emitted:c_a_token nooutput
    emitted[i] = STATS_max_x; cost[i] = STATS_max_y
    all = draft[i] + verify[i] + own[i]
    top = all > top ? all : top
}
note = some_of(n, 'policies', 'the fastest, and plain decoding')
top = 1.02 * top

parts = 3
array part[3] = ['verifying', 'drafting', measured ? sprintf('policy''s own (at most %s µs)', \
    brief(1e3 * longest)) : 'policy''s own: not measured']
array shade[3] = ['#0072B2', '#E69F00', '#000000']
array letters[3] = ['#', '=', '@']

wide = 0
do for [i = 1:n] { if (strlen(fit(spec[i], 34)) > wide) { wide = strlen(fit(spec[i], 34)) } }
left = wide * letter * (term ? 1 : 0.92) + (term ? 0.03 : 0.038)
right = 1 - 19.5 * letter
set lmargin at screen left
set rmargin at screen right
set bmargin at screen 4 * line
set tmargin at screen 1 - ((term ? 5 : 5.6) + noted) * line
set yrange [n + 0.7:0.3]
if (term) {
    taken = 2 * (n + 1) <= lines - 9 - noted ? 2 * (n + 1) : n + 1
    set yrange [n + 1:0]
    set bmargin at screen 1 - (5 + noted + taken) * line
}
set xrange [0:top]
unset ytics
set border 1
set grid xtics
set xlabel 'milliseconds a round' offset 0, term ? 0 : 0.3
set label 900 'tokens' at screen 1 - 10.2 * letter, screen 1 - ((term ? 3 : 4.6) + noted) * line right font font(0.82)
set label 901 'a round' at screen 1 - 10.2 * letter, screen 1 - ((term ? 4 : 5.5) + noted) * line right font font(0.82)
set label 902 'ms' at screen 0.985, screen 1 - ((term ? 3 : 4.6) + noted) * line right font font(0.82)
set label 903 'a token' at screen 0.985, screen 1 - ((term ? 4 : 5.5) + noted) * line right font font(0.82)
do for [i = 1:n] {
    set label 100000 + i fit(spec[i], 34) at graph -0.012, first i right font font(0.92)
    set label 200000 + i brief(emitted[i]) at screen 1 - 10.2 * letter, first i right font font(0.92)
    set label 300000 + i brief(cost[i]) at screen 0.985, first i right font font(0.92)
}
x = left
do for [k = 1:parts] {
    if (!term) { set object k rectangle center screen x + 0.012, screen 1 - (4.5 + noted) * line size screen 0.02, \
        screen 0.6 * line fillstyle solid border lc rgb '#404040' fillcolor rgb shade[k] lw 0.5 }
    set label 800 + k '' . (term ? letters[k] . ' ' : '') . part[k] at screen x + (term ? 0 : 0.028), screen 1 - ((term \
        ? 3 : 4.5) + noted) * line left font font(0.88)
    x = x + (strlen(part[k]) * 0.88 + 2.5) * letter + 0.03
}
eval draw_heading
thick = n < 6 ? 0.36 * (n + 0.4) / 6.4 : 0.36
if (term) {
    columns = int((right - left) * 99)
    array bar[n]
    do for [i = 1:n] {
        a = int(verify[i] / top * columns + 0.5); b = int(draft[i] / top * columns + 0.5); c = int(own[i] / top * columns + 0.5)
        words = ''
        do for [k = 1:a] { words = words . letters[1] }
        do for [k = 1:b] { words = words . letters[2] }
        do for [k = 1:c] { words = words . letters[3] }
        set label 400000 + i words at graph 0, first i left
    }
    plot NaN notitle
} else {
    plot for [i = 1:n] '+' every ::0::0 using (0):(i):(0):(verify[i]):(i - thick):(i + thick) \
        with boxxyerror fillstyle solid noborder linecolor rgb shade[1], \
         for [i = 1:n] '+' every ::0::0 using (0):(i):(verify[i]):(verify[i] + draft[i]):(i - thick):(i + thick) \
             with boxxyerror fillstyle solid noborder linecolor rgb shade[2], \
         for [i = 1:n] '+' every ::0::0 using (0):(i):(verify[i] + draft[i]):(verify[i] + draft[i] + own[i]):(i - thick):(i + thick) \
             with boxxyerror fillstyle solid noborder linecolor rgb shade[3]
}
