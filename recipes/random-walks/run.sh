#!/usr/bin/env bash
# Shortest paths from random walks, by PPO and by GRPO. Under ten minutes on two cores.
#   recipes/random-walks/run.sh [OUT]        default: runs/random-walks
set -euo pipefail
top=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
here=$top/recipes/random-walks
out=${1:-$top/runs/random-walks}
parley=${PARLEY:-$top/build/parley}
mkdir -p "$out"

# 1. A graph and a thousand walks on it.
python3 "$here/walks.py" make "$out/data"

# 2. A model that wanders as they do. One thread: the products are too small to share.
"$parley" --threads 1 pretrain --data "$out/data/walks.jsonl" --preset "$here/config.json" \
  --vocab-size 300 --seq 16 --batch 64 --grad-accum 1 --steps 120 --val-fraction 0.1 --lr 3e-3 \
  --seed 1 --out "$out/lm"

# 3. Rewarded for short walks: with a value model, and without.
reward="command:python3 $here/walks.py judge $out/data"
shared=(--model "$out/lm/model" --prompts "$out/data/prompts.jsonl" --reward "$reward"
  --max-tokens 10 --kl 0.02 --eos-penalty 0 --lr 5e-4)
"$parley" --threads 1 ppo "${shared[@]}" --iterations 40 --episodes 256 --out "$out/ppo"
"$parley" --threads 1 grpo "${shared[@]}" --iterations 40 --episodes 320 --group 16 --epochs 2 \
  --out "$out/grpo"

# 4. Both curves in one picture.
"$parley" plot "$out/ppo" "$out/grpo" --out "$out/random-walks.svg"
"$parley" plot "$out/ppo" "$out/grpo" --out "$out/random-walks.png" >/dev/null
for algorithm in ppo grpo; do
  python3 - "$out/$algorithm/metrics.jsonl" <<'PYTHON'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
last = sum(line["reward"] for line in lines[-5:]) / 5
print(f"{sys.argv[1].split('/')[-2]}: optimality {lines[0]['reward']:.3f} -> {last:.3f} (mean of the last 5 "
      f"iterations) in {lines[-1]['time']:.0f} s")
PYTHON
done
