#!/usr/bin/env bash
# GPT -> SFT -> reward model -> PPO, to see every step happen: under ten minutes on two cores, with
# no data but the lessons of recipes/mini, which are made on the spot. The result greets you, knows
# its name and makes lists; little else.
#   recipes/hello/run.sh [OUT]        default: runs/hello
# LESSONS, TOKENS, EPOCHS and ITERATIONS make it shorter or longer.
set -euo pipefail
top=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
here=$top/recipes/hello
mini=$top/recipes/mini
out=$(realpath -m "${1:-$top/runs/hello}")
parley=$(realpath -m "${PARLEY:-$top/build/parley}")
lessons=${LESSONS:-20000}
mkdir -p "$out"
cd "$out"

source "$top/recipes/stage.bash"

# 1. Conversations, and the same as text that knows nothing of who speaks.
if [ ! -e data/text.jsonl ]; then
  mkdir -p data
  python3 "$mini/write_lessons.py" data/lessons.jsonl --count "$lessons" --without "$mini/checks.jsonl"
  python3 "$mini/chat.py" none data/lessons.jsonl data --evaluated 60 --development 100 \
    --prompts $((lessons / 20)) --pairs $((lessons / 20))
  python3 - <<'PYTHON'
import json
with open("data/lessons.jsonl", encoding="utf-8") as lines, open("data/text.tmp", "w", encoding="utf-8") as out:
    for line in lines:
        text = "\n".join(m["content"] for m in json.loads(line)["messages"])
        out.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
PYTHON
  mv data/text.tmp data/text.jsonl
fi

# 2. GPT: it continues text.
stage gpt pretrain --data data/text.jsonl --preset "$here/config.json" --vocab-size 2048 --val-tokens 8192 --seq 256 \
  --batch 16 --grad-accum 1 --tokens "${TOKENS:-1500000}" --seed 1
# 3. SFT: it answers.
stage sft sft --model gpt/model --data data/sft.jsonl --val-data data/sft_dev.jsonl \
  --epochs "${EPOCHS:-1}" --batch 32 --lr 2e-3 --seed 1
# 4. A reward model, and a judge that learned from other preferences.
for half in rm:a judge:b; do
  stage "${half%:*}" reward --model sft/model --data "data/preferences_${half#*:}.jsonl" \
    --batch 16 --lr 5e-4 --seed 1
done
# 5. PPO: answers that the reward model likes.
stage ppo ppo --model sft/model --reward model:rm/model --gold model:judge/model \
  --prompts data/prompts.jsonl --max-prompt 128 --max-tokens 64 --iterations "${ITERATIONS:-12}" \
  --episodes 64 --epochs 2 --lr 2e-4 --kl 0.05 --warmup 2 --seed 1

# 6. What became better.
"$parley" eval winrate --models gpt/model sft/model ppo/model --prompts data/eval.jsonl \
  --judge judge/model --max-tokens 64 --temperature 0.7 --batch 64
echo "Talk to it: $parley chat --model $out/ppo/model"
