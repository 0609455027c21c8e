#!/bin/sh
# c_program_test.sh PREFIX EXAMPLE PROJECT CASE_PROGRAM CC WORK: the example builds as C99 against an installed altocast,
# by CMake and by pkg-config, and forecasts the bits that the installed program forecasts.
set -eu
prefix=$1 example=$2 project=$3 make_case=$4 cc=$5 work=$6
rm -rf "$work"
mkdir -p "$work"
cd "$work"
"$make_case" .        # station.prior, frames/, frames.raw, shape
rm frames/cache.toml  # the C API gives the image's own numbers
expected=$("$prefix/bin/altocast" forecast --prior station.prior --frames frames --out forecast --adapt --no-guard | cut -c 1-64)

check() {
  actual=$("$1" station.prior frames.raw $(cat shape) | tail -n 1)
  if [ "$actual" != "$expected" ]; then
    echo "$1 forecasts $actual, altocast $expected" >&2
    exit 1
  fi
  echo "$1: $actual"
}

cmake -S "$project" -B by_cmake -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" -DEXAMPLE="$example" > cmake.log
cmake --build by_cmake >> cmake.log || { cat cmake.log; exit 1; }
check by_cmake/forecast

if ! command -v pkg-config > /dev/null; then
  echo "pkg-config is not installed: only CMake was tried"
  exit 0
fi
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name altocast.pc)")
export PKG_CONFIG_PATH
"$cc" -std=c99 -Wall -Wextra -pedantic -Werror "$example" $(pkg-config --cflags --libs altocast) -o by_pkg_config
check ./by_pkg_config
