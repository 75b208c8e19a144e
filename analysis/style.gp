# style.gp - what every figure shares: colours, lines, letters, heading.
#
# Given before: term (1: letters on a terminal), terminal and height (what to draw to, and how high 31 lines of text are there), size (of a
# letter), context, timing, the data, and rows: lines of text that the figure must have room for.
# Colours are those of Okabe and Ito (2008), told apart by colour-blind readers; without their yellow, which
# fades on white. Dashes, points and order tell curves apart in black and white.

array palette[6] = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9']
array solid[6] = [7, 5, 9, 11, 13, 15]   # disc, square, triangles, diamond, pentagon
array hollow[6] = [6, 4, 8, 10, 12, 14]

# A policy's style is its place among those of its kind: 0, 1, 2... in the order of the command
# line, and -1, -2... for the oracles, which are black and grey.
colour(s) = s >= 0 ? palette[1 + int(s) % 6] : s == -1 ? '#000000' : '#808080'
set dashtype 11 (14, 4)
set dashtype 12 (7, 5)
set dashtype 13 (10, 4, 2, 4)
# A figure of another source may show policies that the experiment has not: 1000 and more, which take the first styles that are free among
# the settle_n that are shown.
settle = "do for [i_ = 1:settle_n] {" . \
         "  if (style[i_] >= 1000) {" . \
         "    free = -1;" . \
         "    do for [s_ = 0:35] {" . \
         "      taken = 0;" . \
         "      do for [k_ = 1:settle_n] {" . \
         "        taken = taken || style[k_] == s_ || (s_ < 6 && style[k_] < 1000 && style[k_] >= 0 && int(style[k_]) % 6 == s_)" . \
         "      };" . \
         "      if (!taken && free < 0) { free = s_ }" . \
         "    };" . \
         "    style[i_] = free < 0 ? int(style[i_]) % 36 : free" . \
         "  }" . \
         "}"
dash(s) = s >= 0 ? (int(s) / 6 % 2 == 0 ? 1 : 11) : s == -1 ? 12 : 13
mark(s) = s < 0 ? 1 : int(s) / 6 % 2 == 0 ? solid[1 + int(s) % 6] : hollow[1 + int(s) % 6]

# Byte b of a colour '#RRGGBB'; the colour mixed with white (tint: deep = 1 leaves it) and with black (ink: for letters).
channel(name, b) = int('0x' . name[2 + 2 * b:3 + 2 * b])
rgb(r, g, b) = sprintf('#%02X%02X%02X', int(r), int(g), int(b))
white(v, deep) = 255 - deep * (255 - v)
tint(name, deep) = rgb(white(channel(name, 0), deep), white(channel(name, 1), deep), white(channel(name, 2), deep))
ink(name) = rgb(0.72 * channel(name, 0), 0.72 * channel(name, 1), 0.72 * channel(name, 2))

# A number in three significant digits: 0.213, 4.21, 12.4, 213.
places(x) = abs(x) >= 99.95 ? 0 : abs(x) >= 9.995 ? 1 : abs(x) >= 0.9995 ? 2 : 3
brief(x) = x == 0 ? '0' : sprintf(sprintf('%%.%df', places(x)), x)
# A long name keeps its head and its tail.
fit(text, n) = strlen(text) <= n ? text : n < 16 ? text[1:n - 1] . '…' : text[1:n - 12] . '…' . text[strlen(text) - 10:]
font(scale) = sprintf(',%.3g', size * scale)

letter = term ? 1 / 99.0 : 0.0093   # width of a letter, as a share of the picture's
# Where a query leaves something out it says how many, and the figure's script in `note` what is shown instead: a line more of heading.
left_out = 0
if (exists('c_left_out')) { stats $data using c_left_out nooutput; left_out = int(STATS_max) }
noted = left_out > 0
note = ''
some_of(shown, what, which) = sprintf('%d of %d %s: %s', shown, shown + left_out, what, which)
lines = ceil(rows) + 9 + noted > (term ? 30 : 31) ? ceil(rows) + 9 + noted : term ? 30 : 31
line = 1.0 / (term ? lines - 1 : lines)   # height of a line of text
eval 'set terminal ' . sprintf(terminal, term ? lines : height * lines / 31.0)

set border 3 lw 0.8 lc rgb '#404040'
set tics nomirror out scale 0.6
if (!term) set grid lw 0.6 lc rgb '#D0D0D0' dt 1
unset key

# A step between tics that leaves at most n of them up to top: 1, 2 or 5 times a power of ten.
step_power(x) = 10.0 ** floor(log10(x))
of_power(x) = x / step_power(x)
nice(x) = step_power(x) * (of_power(x) <= 1.0001 ? 1 : of_power(x) <= 2.0001 ? 2 : of_power(x) <= 5.0001 ? 5 : 10)
tics(top, n) = nice(top / (n * 1.0))

# Labels beside curves' ends, none over another. Given place[1..spread_n], shares of the height from the highest to the lowest, and
# gap, what they must lie apart: moves them.
spread = "do for [k_ = 1:80] {" . \
         "  do for [i_ = 2:spread_n] {" . \
         "    lap = gap - (place[i_ - 1] - place[i_]);" . \
         "    if (lap > 0) { place[i_ - 1] = place[i_ - 1] + lap / 2; place[i_] = place[i_] - lap / 2 }" . \
         "  };" . \
         "  if (place[1] > 1) { place[1] = 1 };" . \
         "  if (place[spread_n] < 0) { place[spread_n] = 0 }" . \
         "};" . \
         "do for [i_ = 2:spread_n] { if (place[i_] > place[i_ - 1] - gap) { place[i_] = place[i_ - 1] - gap } };" . \
         "if (place[spread_n] < 0) { place[spread_n] = 0 };" . \
         "do for [i_ = spread_n - 1:1:-1] { if (place[i_] < place[i_ + 1] + gap) { place[i_] = place[i_ + 1] + gap } }"
clip(y) = y > 1 ? 1 : y < 0 ? 0 : y

# The heading: what the figure says, and below it what it was measured on.
title = ''
fits = term ? 98 : 140
# What fits the width: the head, and the trace's name at the end; in small letters where that will do.
short(text) = strlen(text) <= fits ? text : text[1:fits - 52] . '…' . text[strlen(text) - 50:]
small_enough(text) = strlen(text) > 118 ? 0.78 * 118 / strlen(text) : 0.78
if (term) {
    draw_heading = "set label 9001 title at screen 0.5, screen 1 center;" . \
                   "set label 9002 short(context) at screen 0.5, screen 1 - line center;" . \
                   "if (noted) { set label 9007 note at screen 0.5, screen 1 - 2 * line center }"
} else {
    draw_heading = "set label 9001 title at screen 0.015, screen 1 - line left font 'Arial:Bold' . font(1.08);" . \
                   "set label 9002 short(context) at screen 0.015, screen 1 - 2.25 * line left" . \
                   " font font(small_enough(short(context))) textcolor rgb '#606060';" . \
                   "if (noted) { set label 9007 note at screen 0.015, screen 1 - 3.3 * line left font font(0.78) }"
}

# The axis' words, y_words: upright beside it, or in letters above it, as the dumb terminal writes nothing upright.
draw_y = term ? "set label 9006 y_words at screen 2 * letter, screen 1 - (2 + noted) * line left" : "set ylabel y_words offset 1.2, 0"
draw_y_panels = term ? draw_y : "set label 9006 y_words at screen 0.018, screen (low + high) / 2 center rotate"
