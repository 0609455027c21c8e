#!/bin/bash
# train_infrared.sh DATA_DIR [OUT_DIR]: trains the prior that share/altocast/priors holds, from folders of infrared and
# water-vapour frames under DATA_DIR (the README there says what they are): a warm-up by plain gradient descent, then
# meta-training of the prior with its inner rates, then calibration of the observation noise. Half an hour on two idle
# cores; run again after an interruption, it goes on. OUT_DIR (build/infrared) then holds infrared.prior.
set -euo pipefail
if [[ $# -lt 1 || $# -gt 2 || ${1:-} == -* ]]; then
  echo "usage: $0 DATA_DIR [OUT_DIR]" >&2
  exit 2
fi
data=$(realpath -- "$1")
out=$(realpath -m -- "${2:-$(dirname "$0")/../build/infrared}")
cd "$(dirname "$0")/.."

bash scripts/install_packages.sh build
cmake --preset release -DALTOCAST_TESTS=OFF -B build/infrared-tools > /dev/null
cmake --build build/infrared-tools --target altocast-train
train=$PWD/build/infrared-tools/apps/altocast-train
mkdir -p "$out"
cd "$data"

folders=(--data mergir-nsa-201912 --data goes13-irma-ir-west --data goes13-irma-ir-east --data goes13-irma-wv
         --data typhoon-wp-200717 --validate mergir-nsa-201912@2019-12-30T10:30Z --validate typhoon-wp-198702)

# fit RUN OPTION …: starts the run, or goes on with it.
fit() {
  local run=$1
  shift
  if [[ -f $run/checkpoint ]]; then
    "$train" fit --out "$run" --resume
  else
    "$train" fit "${folders[@]}" --out "$run" "$@"
  fi
}

cat > "$out/warmup.toml" << 'TOML'
[data]
validation_tasks = 32
[training]
steps = 8651
warmup_steps = 8650
first_order_steps = 1
average_decay = 0.99
validate_every = 500
report_every = 50
[prior]
initial_rho = -6.5
TOML
cat > "$out/meta.toml" << 'TOML'
[data]
validation_tasks = 32
[training]
steps = 500
warmup_steps = 0
first_order_steps = 200
meta_batch = 2
tile = 96
learning_rate = 3e-5
rate_learning_rate = 0.03
average_decay = 0.98
validate_every = 50
report_every = 25
[inner]
rate_mu = 5e-4
clip_mu = 1.0
clip_rho = 1.0
TOML
fit "$out/warmup" --config "$out/warmup.toml"
fit "$out/meta" --config "$out/meta.toml" --init "$out/warmup/model.prior"
"$train" calibrate --prior "$out/meta/model.prior" --config "$out/meta/config.toml" --out "$out/infrared.prior"
