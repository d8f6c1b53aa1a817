# common.sh - sourced by every command-line test: a scratch folder, and what the tests say again and again.
set -euo pipefail
: "${XBARTAB:?the program}" "${XBARTAB_SOURCE:?the project}"
SANITIZED=${XBARTAB_SANITIZED:-0}
DATA=${XBARTAB_DATA:-$XBARTAB_SOURCE/../shared/data}
PYTHON=/usr/bin/python3 # Debian's, which sees Debian's python3-h5py and python3-xarray

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# A specification like the default, with other numbers: tile ROWS COLUMNS [sed script].
tile() {
    sed -e "s/rows: 64, columns: 64/rows: $1, columns: $2/" \
        -e "s/tiles: 8, tiles_heldout: 4, vectors: 16/tiles: 4, tiles_heldout: 2, vectors: 6/" ${3:+-e "$3"} \
        "$XBARTAB_SOURCE/data/tiles/default.yaml"
}

# refused CODE WORDS COMMAND...: exits with the code, says one line on stderr that holds the words, nothing on stdout,
# and leaves no file behind.
refused() {
    local code=$1 words=$2 before after got=0
    shift 2
    before=$(ls -A)
    "$@" >out.txt 2>err.txt || got=$?
    [ "$got" = "$code" ] || fail "exit $got instead of $code: $* ($(cat err.txt))"
    [ "$(wc -l <err.txt)" = 1 ] || fail "not one line on stderr: $*: $(cat err.txt)"
    grep -qF -- "$words" err.txt || fail "\"$words\" is not in: $(cat err.txt)"
    [ ! -s out.txt ] || fail "something on stdout: $*"
    rm -f out.txt err.txt
    after=$(ls -A)
    [ "$before" = "$after" ] || fail "files left behind by $*: $after"
}
