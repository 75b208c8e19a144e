#!/usr/bin/env bash
# tests/gpu/mutate.sh BUILD CUDA_INCLUDE [WORD] - seeded bugs in the CUDA backend: each __syncthreads() removed in turn (TSan must see it), and
# those of bugs.txt. Only those whose line has WORD, when given. Prints a line each; fails when one is not caught.
set -uo pipefail
cd "$(dirname "$0")/../.."
build=$1 include=$2 word=${3-} missed=0 caught=0
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
export OMP_NUM_THREADS=1 TSAN_OPTIONS=halt_on_error=1 ASAN_OPTIONS=detect_leaks=0
flags="-x c++ -DCUEMU -std=gnu++20 -g1 -fPIC -fno-strict-aliasing -ffp-contract=off -fvisibility=hidden -w -I$tmp -I. -isystem $include"
plain="-O2" asan="-O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all" tsan="-O1 -fsanitize=thread"

# try NAME FILE SED BUILD PROGRAM ENVIRONMENT: what is changed is a source, or a header that `users` include
try() {
    local name=$1 file=$2 sed=$3 kind=$4 program=$5 environment=$6 users=$2 objects=() rc
    case "$name $file" in *"$word"*) ;; *) return ;; esac
    mkdir -p "$tmp/gpu" && cp gpu/*.h "$tmp/gpu"
    sed "$sed" "$file" >"$tmp/$file"
    if cmp -s "$file" "$tmp/$file"; then echo "  ??      $name: nothing to change in $file"; missed=$((missed + 1)); return; fi
    case $file in *.h) users=$(grep -l "$file" gpu/*.cu) ;; esac
    for o in "$build/emu/$kind"/gpu/*.o "$build/emu/$kind"/core/*.o "$build/emu/$kind"/gpu/emu/*.o; do
        local of=${o#"$build/emu/$kind/"} source=${o#"$build/emu/$kind/"}
        source=${of%.o}.cu
        if grep -qx "$source" <<<"$users"; then
            [ -f "$tmp/$source" ] || cp "$source" "$tmp/$source"
            ${CXX:-g++} $flags ${!kind} -c -o "$tmp/${source##*/}.o" "$tmp/$source" || { echo "  ??      $name: does not compile"; missed=$((missed + 1)); return; }
            o=$tmp/${source##*/}.o
        fi
        objects+=("$o")
    done
    ${CXX:-g++} -shared ${!kind} -Wl,-Bsymbolic -o "$tmp/banditspec-cuda.so" "${objects[@]}" -lpthread || return
    env BANDITSPEC_BACKENDS="$tmp" $environment timeout 300 "$build/emu/$kind/"$program >"$tmp/log" 2>&1
    rc=$?
    rm -rf "$tmp/gpu" "$tmp"/*.o
    if [ $rc = 0 ]; then
        missed=$((missed + 1)) && echo "  MISSED  $name ($file)"
    else
        caught=$((caught + 1))
        printf '  caught  %-48s %s\n' "$name" "$(grep -m1 -oE 'ERROR: AddressSanitizer: [a-z-]+|ThreadSanitizer: [a-z ]+|runtime error: .{0,40}|cuemu: ERROR: .{0,40}|(ERROR: )[a-z].{0,60}' "$tmp/log")"
    fi
}

# which items of ops run a file's kernels
item_of() {
    case $1 in
    *norm*) echo norm ;; *top*) echo largest ;; *choose*) echo chosen ;; *matmul*|*quantize*) echo "matmul Q4_K" ;; *gemm*) echo "matmul F16" ;; *attention*) echo "rope," ;; *) echo "" ;;
    esac
}
while IFS=: read -r file line _; do
    if [[ $file = *.h ]]; then item=norm; else item=$(item_of "$file"); fi
    shapes="600 300"
    [ "$item" != rope, ] || shapes="637 700" # tries with parts of two tiles
    name="barrier of line $line"
    case "$name $file" in *"$word"*) ;; *) continue ;; esac
    # the item's name has a blank: a wrapper keeps it one word
    printf '#!/bin/sh\nexec "%s/emu/tsan/ops" 2 %s "%s"\n' "$PWD/$build" "$shapes" "$item" >"$tmp/run" && chmod +x "$tmp/run"
    cp "$tmp/run" "$build/emu/tsan/barrier"
    try "$name" "$file" "${line}s/__syncthreads();//" tsan barrier CUEMU_ORDER=rand
done < <(grep -n '__syncthreads();' gpu/*.cu gpu/*.h)
rm -f "$build/emu/tsan/barrier"
while IFS='|' read -r name file sed kind program environment; do
    [[ -z $name || $name = \#* ]] && continue
    trim() { sed 's/^ *//; s/ *$//' <<<"$1"; }
    try "$(trim "$name")" "$(trim "$file")" "$(trim "$sed")" "$(trim "$kind")" "$(trim "$program")" "$(trim "$environment")"
done < <(sed 's/||/\x01/g' tests/gpu/bugs.txt | sed 's/\x01/\\x7c\\x7c/g')
echo
echo "$caught caught, $missed missed"
[ $missed = 0 ]
