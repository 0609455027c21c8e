#!/bin/bash
# train_infrared.sh DATA_DIR [OUT_DIR]: trains the prior that share/altocast/priors holds, from folders of infrared,
# water-vapour and radar frames under DATA_DIR (the README there says what they are): a warm-up by plain gradient descent at
# several cadences, more of it at the frames' own, more with radar among them, then meta-training of σ and the inner rates, then
# calibration of the observation noise on infrared. About an hour and a quarter on one core of a server, less on two; run
# again after an interruption, it goes on. OUT_DIR (build/infrared) then holds infrared.prior.
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
radar=(--data radar-knmi-nl-2021winter --validate radar-knmi-nl-2021winter@2021-02-05T00:00Z)

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

# warmup STEPS BATCH RATE LONGEST_STRIDE CALIBRATION_STEP CHANGE: settings of a warm-up, CHANGE that of contrast and
# brightness.
warmup() {
  cat << TOML
[data]
validation_tasks = 32
longest_stride = $4
contrast = $6
brightness = $6
calibration_step = $5
zoom = 0.35
[training]
steps = $1
warmup_steps = $1
warmup_learning_rate = $3
warmup_batch = $2
warmup_tile = 160
tile = 192
average_decay = 0.99
validate_every = 1000
report_every = 50
checkpoint_every = 500
[inner]
likelihood = "huber"
[prior]
initial_rho = -6.5
TOML
}

warmup 30000 3 1.5e-3 2 0.2 0.0 > "$out/warmup.toml"
warmup 12000 3 7e-4 1 0.1 0.2 > "$out/tuning.toml"
warmup 5000 4 7e-4 1 0.1 0.2 > "$out/radar.toml"
cat > "$out/meta.toml" << 'TOML'
[data]
validation_tasks = 32
longest_stride = 2
contrast = 0.4
brightness = 0.4
calibration_step = 0.1
zoom = 0.35
[training]
steps = 200
warmup_steps = 0
first_order_steps = 80
meta_batch = 2
tile = 96
learning_rate = 3e-5
rate_learning_rate = 0.02
average_decay = 0.95
validate_every = 50
report_every = 20
checkpoint_every = 50
[inner]
likelihood = "huber"
rate_mu = 2e-3
kl_weight = 30.0
clip_mu = 1.0
clip_rho = 1.0
TOML
fit "$out/warmup" --config "$out/warmup.toml"
fit "$out/tuning" --config "$out/tuning.toml" --init "$out/warmup/model.prior"
fit "$out/radar" --config "$out/radar.toml" --init "$out/tuning/model.prior" "${radar[@]}"
fit "$out/meta" --config "$out/meta.toml" --init "$out/radar/model.prior" "${radar[@]}"
"$train" calibrate --prior "$out/meta/model.prior" --config "$out/tuning/config.toml" --out "$out/infrared.prior"
