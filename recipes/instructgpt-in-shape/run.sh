#!/usr/bin/env bash
# InstructGPT in shape: a small model from nothing through every stage, judged by a reward model
# that learned from other people's preferences than the one it was trained against. Under an hour
# on two cores. Stages that are there already are not made again.
#   recipes/instructgpt-in-shape/run.sh [OUT [DATA]]
#       OUT   default: runs/instructgpt
#       DATA  a folder with text/*.jsonl ({"text"}), sft/*.jsonl ({"messages"}) and
#             preferences/*.jsonl ({"messages", "chosen", "rejected"}), each in English.
#             TEXT, SFT and PREFERENCES name files instead.
set -euo pipefail
top=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
here=$top/recipes/instructgpt-in-shape
out=${1:-$top/runs/instructgpt}
data=${2:-$top/../shared/data}
parley=${PARLEY:-$top/build/parley}
read -ra text <<<"${TEXT:-$(echo "$data"/text/*.jsonl)}"
read -ra sft <<<"${SFT:-$(echo "$data"/sft/*.jsonl)}"
read -ra preferences <<<"${PREFERENCES:-$(echo "$data"/preferences/*.jsonl)}"
for file in "${text[@]}" "${sft[@]}" "${preferences[@]}"; do
  if [ ! -e "$file" ]; then
    echo "$file: no such file. Name a folder of data, or TEXT, SFT and PREFERENCES; see the head of $0" >&2
    exit 2
  fi
done
mkdir -p "$out"

stage() { # NAME COMMAND...: unless its model is there; its seconds go to times.txt
  local name=$1 start=$SECONDS
  shift
  if [ -e "$out/$name/model/config.json" ]; then return; fi
  echo "== $name"
  rm -rf "${out:?}/$name"
  "$@" --out "$out/$name"
  echo "$name $((SECONDS - start))" >>"$out/times.txt"
}

# 1. Text, and a language model of 3.4 million parameters.
[ -e "$out/data/eval.jsonl" ] ||
  python3 "$here/data.py" "$out/data" --sft "${sft[@]}" --preferences "${preferences[@]}"
stage lm "$parley" pretrain --data "${text[@]}" --preset "$here/config.json" --vocab-size 4096 \
  --seq 512 --batch 8 --grad-accum 1 --tokens 6500000 --seed 1

# 2. Instructions.
stage sft "$parley" sft --model "$out/lm/model" --data "$out/data/sft.jsonl" --epochs 2 --batch 32 \
  --lr 1e-3 --seed 1

# 3. Preferences: one half for the reward model, the other for the judge.
for half in rm:a judge:b; do
  stage "${half%:*}" "$parley" reward --model "$out/sft/model" \
    --data "$out/data/preferences_${half#*:}.jsonl" --epochs 1 --batch 16 --lr 3e-4 --context 384 \
    --reference "$out/data/sft.jsonl" --seed 1
done

# 4. PPO against the reward model, with and without the pre-training mix. The judge only looks on.
ppo=("$parley" ppo --model "$out/sft/model" --reward "model:$out/rm/model"
  --gold "model:$out/judge/model" --prompts "$out/data/prompts.jsonl" --max-prompt 128
  --max-tokens 80 --iterations "${ITERATIONS:-30}" --episodes 64 --epochs 2 --lr 2e-4 --kl 0.05
  --eos-penalty 0 --warmup 3 --seed 1 --eval-text "$out/lm/held_out.jsonl")
stage ppo "${ppo[@]}"
stage ppo-ptx "${ppo[@]}" --ptx-data "${text[@]}" --ptx "${PTX:-2}" --ptx-ratio 0.5

# 5. Who wins, on questions nobody trained on; what language modelling costs; best of n.
models=("$out/lm/model:raw" "$out/lm/model:prompted" "$out/sft/model" "$out/ppo/model"
  "$out/ppo-ptx/model")
start=$SECONDS
"$parley" eval winrate --models "${models[@]}" --prompts "$out/data/eval.jsonl" \
  --judge "$out/judge/model" --max-tokens 80 --temperature 1 --batch 64 --out "$out/winrate.json"
: >"$out/bpb.jsonl"
for name in lm sft ppo ppo-ptx; do
  "$parley" eval bpb --model "$out/$name/model" --data "$out/lm/held_out.jsonl" --json |
    sed "s/^{/{\"name\": \"$name\", /" >>"$out/bpb.jsonl"
done
"$parley" eval bestofn --model "$out/sft/model" --proxy "$out/rm/model" --gold "$out/judge/model" \
  --prompts "$out/data/eval.jsonl" --n 16 --max-tokens 80 --temperature 1 >"$out/bestofn.jsonl"
echo "evaluation $((SECONDS - start))" >>"$out/times.txt"

# 6. The table and the pictures.
"$parley" plot --kl-curve "$out/bestofn.jsonl" "$out/ppo" "$out/ppo-ptx" --out "$out/kl.svg"
"$parley" plot --bars "$out/winrate.json" --out "$out/winrate.svg"
"$parley" plot "$out/ppo" "$out/ppo-ptx" --out "$out/ppo.svg"
python3 "$here/table.py" "$out"
