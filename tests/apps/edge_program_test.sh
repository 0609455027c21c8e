#!/bin/sh
# edge_program_test.sh PROGRAM COMPILER: the edge program needs nothing on the machine it is taken to (no loader, no shared
# library) and is small: a little above what each compiler reaches. Works on programs of every processor, since it only reads the file.
set -eu
program=$1 compiler=$2
case "$compiler $(readelf --file-header "$program" | sed -n 's/^ *Machine: *//p')" in
  GNU*X86-64*) limit=1440000 ;;
  GNU*) limit=1200000 ;;  # the data begin on a page of their own, of up to 64 KiB on ARM: little code may make it much larger
  *) limit=1500000 ;;
esac

if readelf --wide --program-headers "$program" | grep -q 'INTERP'; then
  echo "$program asks for a dynamic loader: it is not linked statically" >&2
  exit 1
fi
if readelf --wide --dynamic "$program" | grep -q 'NEEDED'; then
  echo "$program needs shared libraries:" >&2
  readelf --wide --dynamic "$program" | grep 'NEEDED' >&2
  exit 1
fi
size=$(wc -c < "$program")
echo "$program: statically linked, $size bytes"
if [ "$size" -gt "$limit" ]; then
  echo "$program is larger than $limit bytes; 'nm --size-sort --demangle' on an unstripped build shows what grew" >&2
  exit 1
fi
