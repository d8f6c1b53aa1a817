#!/usr/bin/env bash
# Headers alone in C17 and C++17, the installed package through CMake and pkg-config, and no symbol without prefix.
source "$(dirname "$0")/common.sh"

cmake --install "$XBARTAB_BUILD" --prefix "$scratch/prefix" >/dev/null
include=$scratch/prefix/include
for header in "$include"/xbartab/*.h; do
    gcc -std=c17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$include" -x c "$header"
    g++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$include" -x c++ "$header"
done

# together, in either order, and behind a header with a macro I
cat >all.c <<'C'
#include <complex.h>
#include <xbartab/xbartab.h>
C
gcc -std=c17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$include" all.c

library=$(find prefix -name libxbartab.so | head -1)
[ -n "$library" ] || fail "no shared library installed"
odd=$(nm -D --defined-only "$library" | awk '{print $3}' | grep -v '^xbtab_[a-z]' || true)
[ -z "$odd" ] || fail "symbols without the prefix: $odd"
archive=$(find prefix -name libxbartab.a | head -1)
odd=$(nm "$archive" | awk 'NF == 3 && $2 ~ /[A-Z]/ {print $3}' | grep -vE '^(\.gomp_critical_user_)?xbtab_[a-z]' || true)
[ -z "$odd" ] || fail "symbols without the prefix in the archive: $odd"
[ -z "$(find prefix/share -name '*.[ch]')" ] || fail "sources among the data"

grep -q XBARTAB_SANITIZE:BOOL=ON "$XBARTAB_BUILD/CMakeCache.txt" && exit 0 # a plain consumer cannot link the sanitized library

mkdir use
cat >use/main.c <<'C'
#include <stdio.h>
#include <xbartab/models.h>
int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "";
    xbtab_models *models = NULL;
    if (xbtab_models_open(&models, &folder, 1) < 0) return puts(xbtab_error_message()), 1;
    printf("%d models\n", xbtab_models_count(models));
    xbtab_models_destroy(&models);
    return 0;
}
C
cat >use/CMakeLists.txt <<'C'
cmake_minimum_required(VERSION 3.25)
project(use C)
find_package(xbartab REQUIRED)
if(NOT EXISTS ${xbartab_DATADIR}/devicemodels)
  message(FATAL_ERROR "no models in ${xbartab_DATADIR}")
endif()
add_executable(use main.c)
target_link_libraries(use PRIVATE xbartab::xbartab)
C
models=$scratch/prefix/share/xbartab/devicemodels
cmake -G Ninja -S use -B use/build -DCMAKE_PREFIX_PATH="$scratch/prefix" >/dev/null
cmake --build use/build >/dev/null
use/build/use "$models" | grep -q '^[0-9]* models$' || fail "the consumer through CMake"

pkg=$(dirname "$(find prefix -name xbartab.pc)")
export PKG_CONFIG_PATH=$scratch/$pkg
gcc use/main.c -o plain $(pkg-config --cflags --libs xbartab)
LD_LIBRARY_PATH=$(dirname "$library") ./plain "$models" | grep -q '^[0-9]* models$' || fail "the consumer through pkg-config"
[ -d "$(pkg-config --variable=datadir xbartab)/devicemodels" ] || fail "pkg-config's datadir has no models"
gcc use/main.c -o static $(pkg-config --cflags xbartab) "$archive" $(pkg-config --static --libs-only-l xbartab | sed 's/-lxbartab//')
./static "$models" | grep -q '^[0-9]* models$' || fail "the consumer of the archive"
prefix/bin/xbartab models list >/dev/null || fail "the installed program"
