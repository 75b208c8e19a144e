#!/usr/bin/env bash
# tests/check_report.sh BUILD - reports in headless Chromium, in light and dark, on a desk and on a phone: no error on the console, no horizontal
# scroll at 390 pixels, an alternative text and a caption for every figure, letters with a contrast of at least 4.5, and in figures
# of at least 8 pixels.
#
# First that the check itself sees each of these faults. Pages, pictures and a print are left in BUILD/report to be looked at.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
out=$build/report
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
mkdir -p "$out"
rm -f "$out"/*

# chrome WIDTH light|dark ARGUMENT... - its console on standard error; the profile is thrown away
chrome() {
    local width=$1 scheme=$2
    shift 2
    timeout 120 "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$out/profile" --force-device-scale-factor=1 \
        --blink-settings=preferredColorScheme=$([ "$scheme" = dark ] && echo 0 || echo 1) --enable-logging=stderr --v=0 --window-size="$width,1200" "$@"
}

# look light|dark PAGE... - each page in a window of 390 and of 1280 pixels (a frame: a browser's own window is never less than 500 wide); prints
# "checked: NAME WIDTH SCHEME: ..." and a line for every fault
look() {
    local scheme=$1 page name
    shift
    {
        echo '<!DOCTYPE html><meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        for page in "$@"; do
            name=$(basename "$page" .html)
            { sed 's|</body>|<script>|; /^<\/html>/d' "$page" && cat tests/check_report.js && echo '</script></body></html>'; } >"$out/with-$name.html"
            for width in 390 1280; do echo "<iframe src=\"with-$name.html\" width=$width height=900 style=\"border:0\"></iframe>"; done
        done
    } >"$out/frames.html"
    chrome 1400 "$scheme" --virtual-time-budget=10000 --dump-dom "file://$PWD/$out/frames.html" 2>"$out/console" >/dev/null
    sed -nE '/:CONSOLE/!d; s/^[^]]*\] "((checked|fault): .*)", source: .*/\1/p; t; s/^[^]]*\] (.*)/fault: console: \1/p' "$out/console"
    rm -f "$out"/with-*.html "$out/frames.html"
}

page=$out/smollm2.html
rm -f "$out/results.db"
"$build/banditspec" replay --db traces/demo/smollm2.db --results "$out/results.db" --seeds 20 \
    --policy auto hf imed-tgd ts-hazard thompson kl-ucb-tgd ucbspec exp3spec seed-ucb random none best-fixed clairvoyant >"$out/replay.txt"
"$build/banditspec" report --results "$out/results.db" --db traces/demo/smollm2.db --out "$page" >/dev/null
pages=("$page")
if [ -f traces/demo/coding.db ]; then
    "$build/banditspec" replay --db traces/demo/coding.db --results "$out/coding-results.db" --seeds 5 --policy auto thompson hf ucbspec none >>"$out/replay.txt"
    "$build/banditspec" report --results "$out/coding-results.db" --db traces/demo/coding.db --out "$out/coding.html" >/dev/null
    "$build/banditspec" report --compare "$out/results.db" "$out/coding-results.db" --out "$out/compare.html" >/dev/null
    "$build/banditspec" report --compare traces/demo/smollm2.db traces/demo/coding.db --out "$out/traces.html" >/dev/null
    pages+=("$out/coding.html" "$out/compare.html" "$out/traces.html")
fi

# spoil NAME SED-SCRIPT FAULT: a page that has it, and that is found
spoilt=() faults=() failed=0
spoil() {
    sed "$2" "$page" >"$out/$1.html"
    spoilt+=("$out/$1.html") faults+=("$3")
}
spoil console 's|<main>|<script>console.error("broken")</script><main>|' 'console: "broken"'
spoil wide 's|<main>|<main><div style="width:600px">x</div>|' 'wide 390 light: the page is [0-9]* wide in a window of 390'
spoil silent '0,/aria-label="Figure/s//data-x="Figure/' 'silent 390 light: figure fig-.* has no alternative text'
spoil uncaptioned '0,/<figcaption>/s//<figcaption hidden><\/figcaption><p>/' 'uncaptioned 390 light: figure fig-.* has no caption'
spoil small 's/min-width: 50rem/min-width: 0/' 'small 390 light: figure fig-.* has letters of [34]\.[0-9] pixels'
spoil pale 's|<main>|<main><p style="color:#999">pale|' 'pale 390 light: contrast 153,153,153 on 255,255,255: 2.8'
found=$(look light "${spoilt[@]}")
for i in "${!faults[@]}"; do
    grep -qE "^fault: ${faults[i]}" <<<"$found" || { echo "  does not see a fault: ${faults[i]}" && failed=1; }
done
rm -f "${spoilt[@]}"

for scheme in light dark; do
    found=$(look $scheme "${pages[@]}")
    for p in "${pages[@]}"; do
        for width in 390 1280; do
            grep "^checked: $(basename "$p" .html) $width $scheme: " <<<"$found" | sed 's/^checked: /  /' | grep . || { echo "  $(basename "$p") $width $scheme: not checked" && failed=1; }
            chrome $width $scheme --screenshot="$out/$(basename "$p" .html)-$width-$scheme.png" "file://$PWD/$p" 2>/dev/null >&2 || true
        done
    done
    ! grep '^fault: ' <<<"$found" | head -40 || failed=1
done
for p in "${pages[@]}"; do chrome 1280 light --no-pdf-header-footer --print-to-pdf="${p%.html}.pdf" "file://$PWD/$p" 2>/dev/null >&2 || true; done
rm -rf "$out/profile" "$out/console"
[ $failed = 0 ] && echo "  reports hold in $("$browser" --version 2>/dev/null | head -1); pages and pictures in $out"
exit $failed
