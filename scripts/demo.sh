#!/bin/bash
# demo.sh [FRAMES_DIR]: the main job from nothing to a forecast, on a fresh Debian 12: installs the packages, builds the
# two programs, meta-trains a small prior (unless one is shipped in share/altocast/priors), adapts it to a station's
# frames and forecasts an ensemble from the newest one. The frames are those of FRAMES_DIR, or synthetic cloud fields.
# Takes a few minutes on two cores. Everything it writes lies under build/demo/.
set -euo pipefail
start_folder=$PWD
cd "$(dirname "$0")/.."

if [[ $# -gt 1 || ${1:-} == -* ]]; then
  echo "usage: $0 [FRAMES_DIR]" >&2
  exit 2
fi
frames=
if [[ $# -eq 1 ]]; then
  frames=$(cd "$start_folder" && realpath -- "$1")
  if [[ ! -d $frames ]]; then
    echo "$1 is not a folder; give one that holds frames with time stamps in their names" >&2
    exit 2
  fi
fi
work=build/demo
jobs=$(nproc)
prior=
for shipped in share/altocast/priors/*.prior; do
  [[ ! -f $shipped ]] || prior=${prior:-$shipped}
done

step() { printf '\n[%d:%02d] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"; }
run() {
  printf '$ %s\n' "$*"
  "$@"
}

step "1. Debian packages"
bash scripts/install_packages.sh build

step "2. Building the edge program (static)$([[ -n $prior ]] || echo ' and the trainer')"
targets=(altocast)
[[ -n $prior ]] || targets+=(altocast-train)
mkdir -p "$work"
cmake -S . -B "$work/build" -G Ninja -DALTOCAST_STATIC=ON -DALTOCAST_TESTS=OFF \
  -DALTOCAST_TRAINER="$([[ -n $prior ]] && echo OFF || echo ON)" > "$work/configure.log" ||
  { cat "$work/configure.log"; exit 1; }
cmake --build "$work/build" -j "$jobs" --target "${targets[@]}"
altocast=$work/build/apps/altocast
altocast_train=$work/build/apps/altocast-train
ls -l "$altocast"

training_data=(--data "$frames")
if [[ -z $frames ]]; then
  step "3. Synthetic cloud fields: the station's frames$([[ -n $prior ]] || echo ', and others to train on')"
  frames=$work/frames/station
  rm -rf "$work/frames"
  run "$altocast" synth --out "$frames" --frames 32 --size 128x128 --seed 1
  training_data=()
  for seed in 11 12 13 14; do
    [[ -z $prior ]] || break
    run "$altocast" synth --out "$work/frames/training-$seed" --frames 48 --size 128x128 --seed "$seed"
    training_data+=(--data "$work/frames/training-$seed")
  done
else
  step "3. The station's frames are in $frames"
fi

if [[ -z $prior ]]; then
  step "4. Meta-training a small prior: a short run, to show the way; a good prior takes hours"
  rm -rf "$work/training"
  cat > "$work/training.toml" << 'TOML'
[training]
steps = 1000
warmup_steps = 800
first_order_steps = 100
warmup_batch = 8
warmup_tile = 64
meta_batch = 4
tile = 64
support_pairs = 4
query_pairs = 1
validate_every = 200
[inner]
rate_mu = 3e-4
clip_mu = 1.0
clip_rho = 1.0
TOML
  run "$altocast_train" fit "${training_data[@]}" --out "$work/training" --preset tiny --config "$work/training.toml" --seed 1
  prior=$work/training/model.prior
else
  step "4. No training: using the shipped prior"
fi
run "$altocast" info "$prior"

step "5. Adapting to the station's frames and forecasting"
forecast=$work/forecast
run "$altocast" forecast --prior "$prior" --frames "$frames" --out "$forecast" --members 16 --seed 1 --adapt

step "Done. The forecast:"
grep -E '"(hash|start_time|members|leads|units|adapted)"' "$forecast/summary.json"
echo "  data      $forecast/forecast.nc   (NetCDF: xarray, ncview, QGIS)"
echo "  picture   $PWD/$forecast/overview.png"
echo "  report    $PWD/$forecast/report.html"
