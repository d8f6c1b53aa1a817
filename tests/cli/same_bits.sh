#!/usr/bin/env bash
# The same tables to the bit on any processor and any number of cores; and the program in little address space.
source "$(dirname "$0")/common.sh"

tile 9 7 >tile.yaml
"$XBARTAB" characterize tile.yaml -o one.h5 -j 1 >/dev/null 2>&1
# what glibc and OpenBLAS would do elsewhere: other variants of exp and log, other kernels, one core
processors=("glibc.cpu.hwcaps=-FMA,-AVX2" "glibc.cpu.hwcaps=-AVX2,-AVX,-SSE4_2:glibc.malloc.check=0")
for processor in "${processors[@]}"; do
    GLIBC_TUNABLES=$processor OPENBLAS_CORETYPE=Prescott OMP_NUM_THREADS=1 taskset -c "$(taskset -cp $$ | sed 's/.*[ ,-]//')" \
        "$XBARTAB" characterize tile.yaml -o other.h5 -j 2 >/dev/null 2>&1
    cmp one.h5 other.h5 || fail "other bytes with $processor"
done

# a calibration is a fit too
$PYTHON - <<'P'
import math
with open("sweeps.csv", "w") as f:
    for device in range(4):
        for k in range(24):
            v = 0.35 * k / 23
            i = 8e-6 * (1 + device) * 0.5 * math.sinh(v / 0.5) * (1 + 1e-3 * math.sin(9 * k)) - 1e-6
            f.write("c%d\t%.9g\t%.9g\n" % (device, i, v))
P
calibrate=(calibrate "$XBARTAB_SOURCE/data/calibration/sinh.yaml" --data sweeps.csv)
mkdir -p a b
"$XBARTAB" "${calibrate[@]}" -o a/cell.yaml >/dev/null
GLIBC_TUNABLES=${processors[0]} OPENBLAS_CORETYPE=Prescott "$XBARTAB" "${calibrate[@]}" -o b/cell.yaml >/dev/null
diff -r a b || fail "another calibration"

[ "$SANITIZED" = 0 ] || exit 0 # the sanitizers reserve terabytes
! readelf -d "$XBARTAB" | grep -qi openblas || fail "the program is linked to OpenBLAS"
for space in 300000 100000; do
    for command in --version --help "models list" "info one.h5" "arch list" "bench --help"; do
        (ulimit -v $space && timeout 20 "$XBARTAB" $command >out.txt 2>&1) || fail "with $space KB: $command: $(cat out.txt)"
        [ -s out.txt ] || fail "with $space KB nothing from $command"
    done
done
