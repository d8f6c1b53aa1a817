#!/usr/bin/env bash
# Man pages and completions have every verb and every option of --help, are taken by their readers, and offer what they say.
source "$(dirname "$0")/common.sh"

prefix=$scratch/prefix
cmake --install "$XBARTAB_BUILD" --prefix "$prefix" >/dev/null
bash_file=$prefix/share/bash-completion/completions/xbartab
zsh_file=$prefix/share/zsh/site-functions/_xbartab
fish_file=$prefix/share/fish/vendor_completions.d/xbartab.fish

# what bash offers for the words of a command, the last of which is being typed
offered() {
    bash --norc -c 'compopt() { :; }
        source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _xbartab; printf "%s\n" "${COMPREPLY[@]}"' _ "$bash_file" "$@"
}

# ---- every verb and option of --help ----
verbs=$("$XBARTAB" --help | awk '/^  [a-z]+ +[a-z]/ && $1 != "xbartab" {print $1}')
[ "$(wc -w <<<"$verbs")" -ge 17 ] || fail "verbs: $verbs"
n=0
for verb in $verbs; do
    page=$prefix/share/man/man1/xbartab-$verb.1
    [ -s "$page" ] || fail "no page of $verb"
    grep -qF "xbartab\\-$verb (1)" "$prefix/share/man/man1/xbartab.1" || fail "$verb is not in xbartab(1)"
    grep -qx -- "$verb" <<<"$(offered xbartab "")" || fail "bash: $verb"
    grep -q "^    '$verb:" "$zsh_file" || fail "zsh: $verb"
    grep -q -- "-a $verb -d" "$fish_file" || fail "fish: $verb"
    in_bash=$(offered xbartab "$verb" x -) in_zsh=$(sed -n "/^$verb)/,/;;/p" "$zsh_file")
    in_fish=$(grep "__xbartab_verb $verb'" "$fish_file")
    for option in $("$XBARTAB" "$verb" --help | sed -nE 's/^  (-(.), |    )--([a-z0-9-]+).*/\3,\2/p'); do
        long=${option%,*} short=${option#*,} n=$((n + 1))
        grep -qF "\\fB\\-\\-${long//-/\\-}\\fR" "$page" || fail "xbartab-$verb(1): --$long"
        grep -qx -- "--$long" <<<"$in_bash" || fail "bash: $verb --$long"
        grep -qE -- "--$long(=|\[|\})" <<<"$in_zsh" || fail "zsh: $verb --$long"
        grep -qE -- " -l $long( |$)" <<<"$in_fish" || fail "fish: $verb --$long"
        [ -z "$short" ] && continue
        grep -qF "\\fB\\-$short\\fR, \\fB\\-\\-${long//-/\\-}" "$page" || fail "xbartab-$verb(1): -$short"
        grep -qx -- "-$short" <<<"$in_bash" || fail "bash: $verb -$short"
        grep -qF -- "'(-$short --$long)'" <<<"$in_zsh" || fail "zsh: $verb -$short"
        grep -qF -- " -s $short -l $long" <<<"$in_fish" || fail "fish: $verb -$short"
    done
done
[ "$n" -ge 200 ] || fail "only $n options found"
grep -qF 'share of the largest level (the sheet\(aqs, else 0.01) [1e\-09 to 1]' "$prefix/share/man/man1/xbartab-infer.1" ||
    fail "a number's range is not in the page"

# ---- bash: what is offered ----
mkdir -p here/folder && touch here/tables.h5
cd here
[ "$(offered xbartab mod)" = models ] || fail "$(offered xbartab mod)"
[ "$(offered xbartab models "" | sort | xargs)" = "from-csv list show test" ] || fail "$(offered xbartab models "")"
[ "$(offered xbartab init t)" = tile ] || fail "$(offered xbartab init t)"
[ "$(offered xbartab infer --tables t)" = tables.h5 ] || fail "$(offered xbartab infer --tables t)"
[ "$(offered xbartab infer --tables = t)" = tables.h5 ] || fail "--tables=: $(offered xbartab infer --tables = t)"
[ "$(offered xbartab infer --cache "")" = folder ] || fail "folders: $(offered xbartab infer --cache "")"
[ -z "$(offered xbartab infer --limit "")" ] || fail "numbers: $(offered xbartab infer --limit "")"
[ "$(offered xbartab info "" | sort | xargs)" = "folder tables.h5" ] || fail "files: $(offered xbartab info "")"
cd ..

# ---- the readers, where they are there ----
skipped=
if command -v groff >/dev/null; then
    for page in "$prefix"/share/man/man1/*.1; do
        [ -z "$(groff -man -Tutf8 -ww -z "$page" 2>&1)" ] || fail "groff: $page: $(groff -man -Tutf8 -ww -z "$page" 2>&1 | head -3)"
    done
else
    skipped+=" groff"
fi
if command -v zsh >/dev/null; then
    zsh -f -c '_arguments() { print -rl -- "$@" }
        words=(xbartab "$2" ""); CURRENT=3; source "$1"' _ "$zsh_file" info >zsh.txt
    grep -qxF -- '--json[one JSON object on stdout]' zsh.txt || fail "zsh: $(cat zsh.txt)"
    zsh -f -c '_arguments() { }; _describe() { print -rl -- $verbs }; words=(xbartab ""); CURRENT=2; source "$1"' _ "$zsh_file" >zsh.txt
    grep -q '^solve:currents and voltages' zsh.txt || fail "zsh: $(cat zsh.txt)"
else
    skipped+=" zsh"
fi
if command -v fish >/dev/null; then
    HOME=$scratch fish -c "source $fish_file; complete -C 'xbartab models '; complete -C 'xbartab info --js'" >fish.txt
    grep -q '^from-csv' fish.txt && grep -q '^--json' fish.txt || fail "fish: $(cat fish.txt)"
else
    skipped+=" fish"
fi
[ -z "$skipped" ] || echo "not installed, so not tried:$skipped"
