#!/bin/bash
# test.sh [STAGE …]: every check that a change must pass, as CI runs it: builds without warnings by gcc and clang,
# tests under sanitizers, and for ARM and RISC-V under qemu. Without arguments all stages run, the release tests last;
# the first failing one ends the script with its log and exit code 1.
#   format            clang-format finds nothing to change
#   a preset's name   configure, build and test it (CMakePresets.json): release, clang, asan-ubsan, tsan, x86_64, …
# Logs are in build/test-logs/. ALTOCAST_JOBS sets how many jobs run at once (default: all cores).
set -euo pipefail
cd "$(dirname "$0")/.."

jobs=${ALTOCAST_JOBS:-$(nproc)}
stages=("$@")
if [[ ${#stages[@]} -eq 0 ]]; then
  stages=(format tsan asan-ubsan clang static aarch64 aarch64-clang armv7 riscv64 release)
fi
logs=build/test-logs
mkdir -p "$logs"

# The running command leads a process group of its own, so that Ctrl-C ends its compilers too.
current=
trap '[[ -z $current ]] || kill -- "-$current" 2> /dev/null; exit 130' INT TERM

elapsed() { printf '%d:%02d' $((SECONDS / 60)) $((SECONDS % 60)); }
say() { printf '[%s] %s\n' "$(elapsed)" "$*"; }

# Runs a command with its output in a log. While it runs, a terminal shows the log's newest line, and CI gets one a
# minute; if it fails, the end of the log is shown.
logged() {
  local what=$1 log=$2 line last_report=$SECONDS
  shift 2
  setsid "$@" < /dev/null >> "$log" 2>&1 &
  current=$!
  while kill -0 "$current" 2> /dev/null; do
    sleep 0.5
    line=$(tail -n 1 "$log" | tr -d '\r' | cut -c 1-90)
    if [[ -t 1 ]]; then
      printf '\r\033[K[%s] %s: %s' "$(elapsed)" "$what" "$line"
    elif ((SECONDS - last_report >= 60)); then
      last_report=$SECONDS
      say "$what: $line"
    fi
  done
  if [[ -t 1 ]]; then printf '\r\033[K'; fi
  if ! wait "$current"; then
    say "$what FAILED; the end of $log, without the tests that passed:"
    grep -Ev ' Passed |^ *Start ' "$log" | tail -n 200
    exit 1
  fi
  current=
}

run_format() {
  local files file changed=()
  mapfile -t files < <(git ls-files '*.h' '*.cpp')
  for file in "${files[@]}"; do
    clang-format "$file" | cmp --silent - "$file" || changed+=("$file")
  done
  if [[ ${#changed[@]} -gt 0 ]]; then
    say "format FAILED; mend it with: clang-format -i ${changed[*]}"
    exit 1
  fi
  say "format: ${#files[@]} files are as .clang-format wants them"
}

# Sanitizers need the address space laid out as they expect, which newer kernels' randomisation breaks.
run_preset() {
  local preset=$1 log=$2 wrapper=()
  if [[ $preset == *san* ]] && setarch --addr-no-randomize true 2> /dev/null; then
    wrapper=(setarch --addr-no-randomize)
  fi
  local bench=OFF
  [[ $preset == release ]] && bench=ON  # so that benchmarks are built somewhere
  logged "$preset: configure" "$log" cmake --preset "$preset" -DALTOCAST_WERROR=ON -DALTOCAST_BENCH=$bench
  logged "$preset: build" "$log" "${wrapper[@]}" cmake --build --preset "$preset" -j "$jobs"
  logged "$preset: test" "$log" "${wrapper[@]}" ctest --preset "$preset" -j "$jobs" --schedule-random
  say "$preset: $(grep 'tests passed' "$log" | tail -n 1)"
}

say "Packages"
bash scripts/install_packages.sh test
say "Stages: ${stages[*]}; $jobs jobs at once"
for stage in "${stages[@]}"; do
  log=$logs/$stage.log
  : > "$log"
  if [[ $stage == format ]]; then
    run_format
  else
    run_preset "$stage" "$log"
  fi
done
say "All ${#stages[@]} stages passed"
# ctest's own words on the last stage stand last, where people and CI look for them.
grep -A 1000 'tests passed' "$log" || true
