#!/usr/bin/env bash
# tests/deps.sh [demo|bench|fuzz|check-arm|check-report] - finds each dependency; says what is missing, then installs that and nothing else.
#
# apt-get as root or through sudo, else brew. With `demo` or `bench` also Python's pip, which fetches the model.
# Prints nothing when nothing is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

command_of() { command -v "$1"; }
library() { pkg-config --exists "$1"; }
header() { echo "#include <$1>" | cc -E -; }
font() { fc-match -f '%{family}' "$1" | grep -E "$1|Liberation"; } # the pictures are laid out for its widths
pip() { python3 -m pip --version; }

# want CHECK ARGUMENT APT-PACKAGE BREW-FORMULA: when the check fails, both lists grow.
want() {
    "$1" "$2" </dev/null >/dev/null 2>&1 && return
    apt+=("$3")
    [ -z "$4" ] || brew+=("$4")
}

look() {
    apt=() brew=()
    want command_of cc build-essential gcc
    want command_of pkg-config pkg-config pkgconf
    want library gsl libgsl-dev gsl
    want library sqlite3 libsqlite3-dev sqlite
    want library libpcre2-8 libpcre2-dev pcre2
    want library libutf8proc libutf8proc-dev utf8proc
    want library jansson libjansson-dev jansson
    want library libcrypto libssl-dev openssl@3
    want library libzip libzip-dev libzip
    want library libdivsufsort libdivsufsort-dev libdivsufsort
    want library cmocka libcmocka-dev cmocka
    want header Random123/philox.h librandom123-dev '' # headers only, not in Homebrew: unpack them and set CPATH
    want command_of gnuplot gnuplot-nox gnuplot
    want font Arial fonts-liberation font-liberation
    case "${1-}" in demo|bench) want pip - python3-pip python ;; esac
    [ "${1-}" != fuzz ] || want command_of clang clang llvm
    if [ "${1-}" = check-arm ]; then
        want command_of aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu ''
        want command_of qemu-aarch64 qemu-user ''
    fi
    [ "${1-}" != check-report ] || want command_of chromium chromium '' # on a Mac: any Chrome of one's own
    [ "${1-}" != bench ] || want library openblas libopenblas-dev openblas # to measure against
    [ ${#apt[@]} -gt 0 ]
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else
        echo "deps: neither root nor sudo here; as root: $*" >&2
        return 1
    fi
}

apt_get() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 "$@"; }

# Runs quietly; the whole output when it fails.
quietly() {
    mkdir -p build
    "$@" </dev/null >build/deps.log 2>&1 || { cat build/deps.log >&2; return 1; }
}

look "$@" || exit 0
if command -v apt-get >/dev/null; then
    echo "deps: installing with apt-get: ${apt[*]}"
    quietly apt_get update
    quietly apt_get install -y --no-install-recommends "${apt[@]}"
elif command -v brew >/dev/null; then
    [ ${#brew[@]} -eq 0 ] || echo "deps: installing with brew: ${brew[*]}"
    [ ${#brew[@]} -eq 0 ] || quietly brew install "${brew[@]}"
else
    echo "deps: missing, and neither apt-get nor brew here; Debian calls them: ${apt[*]}" >&2
    exit 1
fi
if look "$@"; then
    echo "deps: still not found; Debian calls them: ${apt[*]}" >&2
    exit 1
fi
