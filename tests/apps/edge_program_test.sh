#!/bin/sh
# edge_program_test.sh PROGRAM: the edge program needs nothing on the machine it is taken to (no loader, no shared
# library) and is at most 1.5 MB, or what was reached. Works on programs of every processor, since it only reads the file.
set -eu
program=$1
case $(readelf --file-header "$program" | sed -n 's/^ *Machine: *//p') in
  *X86-64*) limit=1430000 ;;
  AArch64) limit=1140000 ;;
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
