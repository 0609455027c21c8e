#!/bin/sh
# out_of_memory_test.sh PROGRAM: where the system grants no memory or no threads, the program says so and what mends it,
# and exits with 1.
set -u
program=$1

# check KIB MESSAGE ARGUMENT…
check() {
  limit=$1 message=$2
  shift 2
  said=$(ulimit -v "$limit" && "$program" "$@" 2>&1)
  code=$?
  case $code:$said in
    1:*"$message"*) echo "$said" ;;
    *)
      echo "with $limit KiB, $program $*: exit code $code, '$said' in place of '$message'" >&2
      exit 1
      ;;
  esac
}

check 60000 'take smaller frames (crop or downscale) or fewer members' bench --preset base --size 1024x1024 --threads 1
check 60000 'Resource temporarily unavailable' bench --preset tiny --size 16x16 --threads 16
