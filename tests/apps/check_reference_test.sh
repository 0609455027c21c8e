#!/bin/sh
# check_reference_test.sh PROGRAM FOLDER: `altocast-train check-reference` finds every case in FOLDER within tolerance, with
# each kernel set, and answers a case whose numbers were changed with exit code 1. Skips (77) if there is no FOLDER.
set -eu
program=$1
cases=$2
if [ ! -d "$cases" ]; then
  echo "skipped: no reference cases in $cases; set ALTOCAST_SHARED_DIR when configuring"
  exit 77
fi

count=$(find "$cases" -name spec.json | wc -l)
for kernels in reference native onednn; do
  lines=$("$program" check-reference --kernels "$kernels" "$cases"/*/)
  echo "$kernels:"
  echo "$lines"
  if [ "$(echo "$lines" | grep -c '^{"case":"[^"]')" -ne "$count" ]; then
    echo "$kernels: expected a line for each of the $count cases" >&2
    exit 1
  fi
done

changed=$(mktemp -d)
trap 'rm -r "$changed"' EXIT
set -- "$cases"/*/
cp -r "$1" "$changed/case"
chmod -R u+w "$changed/case"
cp "$changed/case/out_hvp.npy" "$changed/case/out_grad.npy"
if "$program" check-reference "$changed/case" 2> "$changed/errors"; then
  echo "a changed case was found right" >&2
  exit 1
fi
grep -q "$changed/case: largest relative error" "$changed/errors"
