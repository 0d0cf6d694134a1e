#!/usr/bin/env bash
# Packs the state of the longest stage, mid-training (weights, optimiser, place in the data), so that
# it can be continued elsewhere:   recipes/mini/state.sh RUN OUT.tar.zst [STEP]
# STEP: the checkpoint to take; default: the last one before the learning rate falls (the trapezoid's
# last fifth), since from there a longer run goes on as if it had been longer from the beginning.
set -euo pipefail
run=${1:?usage: state.sh RUN OUT.tar.zst [STEP]}
out=${2:?usage: state.sh RUN OUT.tar.zst [STEP]}
stage=$run/mid
step=${3:-}
if [ -z "$step" ]; then
  last=$(grep -m1 -oE '"steps": [0-9]+' "$stage/config.json" | grep -oE '[0-9]+')
  for checkpoint in "$stage"/checkpoints/step-*; do
    number=${checkpoint##*-}
    if [ $((number * 5)) -le $((last * 4)) ] && [ "$number" -gt "${step:-0}" ]; then step=$number; fi
  done
fi
checkpoint=$stage/checkpoints/step-$step
[ -e "$checkpoint/trainer_state.json" ] || { echo "$stage/checkpoints: no such checkpoint, or none before the rate falls; name a STEP" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
state=$work/$(basename "$out" | sed 's/\.tar.*//')
mkdir -p "$state/checkpoints"
cp -r "$stage/config.json" "$stage/tokenizer" "$state"
head -n "$step" "$stage/metrics.jsonl" >"$state/metrics.jsonl"
cp -r "$checkpoint" "$state/checkpoints/"
tar -C "$work" --zstd -cf "$out" "$(basename "$state")"
echo "$out: step $step, $(du -h "$out" | cut -f1)"
