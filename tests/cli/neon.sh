#!/usr/bin/env bash
# The NEON kernel gives the bits of the C one. It needs Debian's gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and
# qemu-user-static, which scripts/install-dependencies does not install.
source "$(dirname "$0")/common.sh"

compiler=aarch64-linux-gnu-gcc
if ! command -v $compiler >/dev/null || ! command -v qemu-aarch64-static >/dev/null; then
    echo "no ARM compiler and emulator here: skipped"
    exit 77
fi
for folder in r123 Random123; do [ -d /usr/include/$folder ] && mkdir -p include && ln -s /usr/include/$folder include/; done
s=$XBARTAB_SOURCE/src
$compiler -std=gnu17 -O2 -Wall -Wextra -Wno-format-truncation -Werror -D_GNU_SOURCE -static -ffp-contract=off -Iinclude -I"$s/include" \
    -I"$s/base" -I"$s/kernel" -I"$XBARTAB_BUILD/include" "$XBARTAB_SOURCE/tests/conformance/neon_check.c" \
    "$s"/kernel/*.c "$s"/base/{memory,random,status}.c -o neon_check -lm
qemu-aarch64-static ./neon_check
