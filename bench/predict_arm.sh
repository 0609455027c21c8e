#!/bin/bash
# predict_arm.sh [CPU …]: what llvm-mca predicts for the inner loops of the NEON kernels on ARM cores that are not at hand
# (default: cortex-a53 cortex-a72 cortex-a76), as a Markdown table. It compiles runtime/kernels/native/neon.cpp for aarch64
# with the project's own flags for g++ and takes every loop of one basic block that holds at least 16 vector multiply-adds.
# The prediction knows the pipelines and counts every load as a hit in the first cache. CXX, the compiler, and MCA,
# llvm-mca, may be set.
set -euo pipefail
cd "$(dirname "$0")/.."
cpus=("$@")
if [[ ${#cpus[@]} -eq 0 ]]; then cpus=(cortex-a53 cortex-a72 cortex-a76); fi
cxx=${CXX:-aarch64-linux-gnu-g++}
mca=${MCA:-llvm-mca}
for tool in "$cxx" "$mca" c++filt; do
  command -v "$tool" > /dev/null || { echo "predict_arm.sh: $tool is not installed" >&2; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$cxx" -std=c++20 -O2 -DNDEBUG -ffp-contract=off -fno-math-errno -fno-schedule-insns -I. -S -o "$work/neon.s" runtime/kernels/native/neon.cpp

# A loop: from a label to the branch back to it, without another label between. One file each, named by its function.
awk -v work="$work" '
  /^[A-Za-z_][A-Za-z0-9_.$]*:/ { fn = $1; sub(/:$/, "", fn); label = ""; next }
  /^\.L[0-9]+:/ { label = $1; sub(/:$/, "", label); body = ""; fmla = 0; next }
  label == "" || /^[ \t]*\./ { next }
  {
    body = body $0 "\n"
    if ($1 == "fmla") ++fmla
    if ($1 ~ /^(b[.a-z]*|cbn?z|tbn?z)$/ && $1 != "bl" && $NF == label) {
      if (fmla >= 16) {
        file = sprintf("%s/loop%03d.s", work, ++count)
        print "// " fn " " fmla > file
        printf "%s", body > file
        close(file)
      }
      label = ""
    }
  }' "$work/neon.s"

printf '| loop | instructions | multiply-adds |'
for cpu in "${cpus[@]}"; do printf ' %s: cycles | flop a cycle |' "$cpu"; done
printf '\n| --- | --- | --- |'
for _ in "${cpus[@]}"; do printf ' --- | --- |'; done
printf '\n'
for loop in "$work"/loop*.s; do
  read -r _ symbol fmla < "$loop"
  name=$(c++filt "$symbol" | sed -E 's/altocast::native::neon::|\(anonymous namespace\)::|^void //g; s/\(.*//')
  printf '| %s | %d | %d |' "$name" "$(($(wc -l < "$loop") - 1))" "$fmla"
  for cpu in "${cpus[@]}"; do
    cycles=$("$mca" -march=aarch64 -mcpu="$cpu" -iterations=1000 < "$loop" 2> /dev/null | awk '/^Total Cycles/ { print $3 }')
    awk -v cycles="$cycles" -v fmla="$fmla" 'BEGIN { printf " %.1f | %.1f |", cycles / 1000, 8 * fmla * 1000 / cycles }'
  done
  printf '\n'
done
