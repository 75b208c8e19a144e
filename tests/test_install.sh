#!/usr/bin/env bash
# test_install.sh - `make install` into an empty folder: program, library, headers and pkg-config file work from there alone, and the
# examples of policies/examples drive the policies from C and from Python. TAP.
set -uo pipefail
build=${BUILD:-build}
root=$PWD
dir=$(mktemp -d "${TMPDIR:-/tmp}/banditspec-test-XXXXXX")
trap 'rm -rf "$dir"' EXIT
prefix=$dir/prefix
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
n=0 failed=0 sanitize=
[ "$build" != build-sanitize ] || sanitize="-fsanitize=address,undefined"

# passes SENTENCE COMMAND...: its output goes to $dir/said
passes() {
    n=$((n + 1))
    if ("${@:2}") >"$dir/said" 2>&1; then echo "ok $n - $1"; return; fi
    echo "not ok $n - $1"
    head -20 "$dir/said" | sed 's/^/# /'
    failed=1
}
skips() { n=$((n + 1)) && echo "ok $n - $1 # SKIP $2"; }

# make, as one would from a shell: not as a part of the make that runs this test.
remake() { env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make --no-print-directory ${sanitize:+SANITIZE=1} "$@"; }

installs() {
    remake install PREFIX="$prefix" || return
    for file in bin/banditspec lib/libbanditspec_policy.{so,so.1,a} lib/pkgconfig/banditspec-policy.pc include/banditspec_policy.h include/banditspec/plugin.h; do
        [ -s "$prefix/$file" ] || { echo "$file is missing"; return 1; }
    done
    [ "$(find "$prefix" -type f -o -type l | wc -l)" = 7 ] && ! grep -q @ "$prefix/lib/pkgconfig/banditspec-policy.pc"
}

# A package is built with DESTDIR: what it says of itself must not name that.
staged() {
    remake install PREFIX=/usr LIBDIR=/usr/lib/some-triplet DESTDIR="$dir/stage" || return
    [ -s "$dir/stage/usr/lib/some-triplet/libbanditspec_policy.so.1" ] && [ -x "$dir/stage/usr/bin/banditspec" ] || return
    local pc=$dir/stage/usr/lib/some-triplet/pkgconfig/banditspec-policy.pc
    ! grep -q "$dir" "$pc" && grep -qx 'libdir=/usr/lib/some-triplet' "$pc" && grep -qx 'prefix=/usr' "$pc"
}

agrees() { [ "$(pkg-config --modversion banditspec-policy)" = "$("$prefix/bin/banditspec" --version | sed 's/.* //')" ] && pkg-config --exists 'banditspec-policy >= 0.1'; }
declared() { sed -nE 's/^BSP_EXPORT .*[ *](bsp_[a-z_]+)\(.*/\1/p' policies/banditspec_policy.h | sort; }
symbols_of_so() { diff <(declared) <(nm -D --defined-only "$prefix/lib/libbanditspec_policy.so" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort) && [ "$(declared | wc -l)" -ge 18 ]; }
symbols_of_archive() { diff <(declared) <(nm -g --defined-only "$prefix/lib/libbanditspec_policy.a" | awk 'NF == 3 { print $3 }' | grep -v '^__' | sort); }
soname() { objdump -p "$prefix/lib/libbanditspec_policy.so" | grep -qE 'SONAME +libbanditspec_policy\.so\.1$'; }
needs_little() { ! objdump -p "$prefix/lib/libbanditspec_policy.so" | grep NEEDED | grep -vE 'lib(m|c|pthread|asan|ubsan|gcc_s)\.so|ld-linux'; }
flags() { pkg-config --cflags --libs banditspec-policy; }
cplusplus() { echo '#include <banditspec_policy.h>
int main() { bsp_free(bsp_create("none", "", 8, "", 1, 0)); return bsp_api() != BSP_API; }' >"$dir/cpp.cc" && c++ -Wall -Wextra -Werror -pedantic $sanitize -o "$dir/cpp" "$dir/cpp.cc" $(flags) -Wl,-rpath,"$prefix/lib" && "$dir/cpp"; }

# The example, copied elsewhere and built with what pkg-config says: twice, for what it learned.
engine_builds() { cp policies/examples/engine.c "$dir/engine.c" && cd "$dir" && cc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror $sanitize -o engine engine.c $(flags) -Wl,-rpath,"$prefix/lib"; }
engine_static() { cd "$dir" && cc -D_GNU_SOURCE $sanitize -o engine-static engine.c $(pkg-config --cflags banditspec-policy) "$prefix/lib/libbanditspec_policy.a" -lm -lpthread && ! ldd engine-static | grep banditspec; }
rate() { sed -nE 's/.* tokens at ([0-9.]+) a second.*/\1/p' <<<"$1"; }
engine_learns() {
    local new warm random
    cd "$dir" && rm -f learned.state other.state
    new=$(./engine thompson learned.state) && warm=$(./engine thompson learned.state) && random=$(./engine random other.state) || return
    printf '%s\n' "$new" "$warm" "$random"
    awk -v new="$(rate "$new")" -v warm="$(rate "$warm")" -v random="$(rate "$random")" 'BEGIN { exit !(random > 33.3 && new > 1.05 * random && warm > new) }'
}
engine_same() { cd "$dir" && rm -f a.state b.state && [ "$(./engine thompson a.state)" = "$(./engine-static thompson b.state)" ] && cmp a.state b.state; }
engine_refuses() { cd "$dir" && ! ./engine ucb1 learned.state 2>"$dir/why" && grep -qxF "engine: load: policy state 'learned.state' was saved by policy 'thompson', not 'ucb1'" "$dir/why"; }

python() {
    local preload=
    [ -z "$sanitize" ] || preload=$(cc -print-file-name=libasan.so)
    cd "$dir" && LD_PRELOAD=$preload ASAN_OPTIONS=detect_leaks=0 python3 "$root/policies/examples/drive.py" --library "$prefix/lib/libbanditspec_policy.so.1" "$@"
}
python_learns() {
    local new warm none
    rm -f "$dir/py.state"
    none=$(python --policy none) && new=$(python --state py.state) && warm=$(python --state py.state) || return
    printf '%s\n' "$none" "$new" "$warm"
    grep -q 'thompson (new): ' <<<"$new" && grep -q 'thompson (warm): ' <<<"$warm" || return
    awk -v none="$(rate "$none")" -v new="$(rate "$new")" -v warm="$(rate "$warm")" 'BEGIN { exit !(none > 33 && none < 34 && new > 1.8 * none && warm > new) }'
}
python_every_policy() {
    local names
    names=$("$prefix/bin/banditspec" policies --json | python3 -c 'import json, sys; print(*(p["name"] for p in json.load(sys.stdin)))') || return
    for name in $names; do
        python --policy "$name" --sequences 4 | grep -qE "^$name.* \(new\): 508 tokens at [0-9.]+ a second" || { echo "$name"; return 1; }
    done
}
python_rules() { python --policy fixed:arm=1 --arms 'plain small:stop(maxprob<0.4,max=6)' | grep -qF 'fixed:arm=small:stop(maxprob<0.4,max=6) (new)'; }
python_refuses() { local said; said=$(python --policy ucbspek 2>&1); [ $? = 1 ] && grep -qF "did you mean 'ucbspec'?" <<<"$said" && [ "$(wc -l <<<"$said")" = 1 ]; }

# The one header is enough, and nothing of the source tree is in reach.
plugin() {
    cp policies/examples/egreedy.c "$dir/mine.c" && cd "$dir" && cc -shared -fPIC -O2 -I "$prefix/include" -o mine.so mine.c \
        && "$prefix/bin/banditspec" replay --db "$root/traces/demo/smollm2.db" --seeds 2 --policy-file mine.so --policy egreedy | grep -q '^egreedy '
}

echo 1..18
passes test_install_brings_seven_files_and_no_more installs
passes test_a_staged_install_names_its_final_place staged
passes test_pkg_config_and_the_program_agree_on_the_version agrees
passes test_the_library_shows_what_its_header_declares_and_nothing_else symbols_of_so
passes test_so_does_the_archive symbols_of_archive
passes test_the_library_has_its_soname soname
passes test_the_library_needs_the_c_library_alone needs_little
passes test_the_header_is_cplusplus_too cplusplus
passes test_the_engine_example_builds_by_pkg_config engine_builds
passes test_the_engine_example_links_the_archive engine_static
passes test_the_engine_learns_and_keeps_it engine_learns
passes test_archive_and_shared_library_play_alike engine_same
passes test_the_engine_is_told_why_a_state_does_not_fit engine_refuses
passes test_an_installed_program_takes_a_plug_in_built_against_the_installed_header plugin
if python3 -c 'import ctypes' 2>/dev/null; then
    passes test_python_learns_and_keeps_it python_learns
    passes test_python_drives_every_policy python_every_policy
    passes test_python_asks_a_stopping_rule python_rules
    passes test_python_is_told_what_is_wrong python_refuses
else
    for case in learns_and_keeps_it drives_every_policy asks_a_stopping_rule is_told_what_is_wrong; do skips "test_python_$case" "no python3 here"; done
fi
exit $failed
