#!/usr/bin/env bash
# tests/check_arm.sh - the tests that touch kernels, built for aarch64 and run under qemu-user, twice: on a CPU with the
# int8 dot product (NEON dotprod kernels) and on one without (plain NEON kernels). `make check-arm` calls it.
#
# The libraries come from the distribution's arm64 packages, unpacked under build-arm/sysroot: nothing is installed for them and
# the machine's package lists stay as they are.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$PWD/build-arm
root=$dir/sysroot
packages=(libc6-dev libgomp1 libcmocka-dev libjansson-dev libzip-dev libdivsufsort-dev libpcre2-dev libutf8proc-dev libssl-dev libgsl-dev libsqlite3-dev librandom123-dev)
tests=(test_kernels test_batch test_quantize test_model test_checkpoint)

if [ ! -f "$root/complete" ]; then
    echo "check-arm: unpacking arm64 libraries under build-arm/sysroot"
    mkdir -p "$dir"/apt/lists/partial "$dir"/apt/cache/archives/partial "$root"
    apt=(-qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$dir/apt" -o Dir::State::lists="$dir/apt/lists"
         -o Dir::State::status=/dev/null -o Dir::Cache="$dir/apt/cache" -o Debug::NoLocking=1 -o APT::Sandbox::User=root)
    apt-get "${apt[@]}" update
    apt-get "${apt[@]}" install --no-install-recommends --download-only -y "${packages[@]}" >/dev/null
    for deb in "$dir"/apt/cache/archives/*.deb; do dpkg-deb -x "$deb" "$root"; done
    touch "$root/complete"
fi

export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$root/usr/lib/aarch64-linux-gnu/pkgconfig:$root/usr/share/pkgconfig
make --no-print-directory ARM=1 CC="aarch64-linux-gnu-gcc --sysroot=$root" "${tests[@]/#/build-arm/tests/}"

status=0
for cpu in max cortex-a72; do # with the dot product and without
    echo "check-arm: a CPU as $cpu"
    for name in "${tests[@]}"; do
        log=$dir/tests/$name.$cpu.log
        CMOCKA_MESSAGE_OUTPUT=TAP qemu-aarch64 -cpu "$cpu" -L "$root" "$dir/tests/$name" >"$log" 2>&1 || status=1
        printf '  %-20s %3d passed, %d failed\n' "$name" "$(grep -c '^ok ' "$log")" "$(grep -c '^not ok ' "$log")"
    done
done
exit $status
