#!/usr/bin/env bash
# parley-mini from nothing: text -> tokenizer -> pre-training -> mid-training -> instructions ->
# reward model -> PPO with the pre-training mix -> evaluation -> a model directory with its card.
# About two and a half hours on two cores. Stopped (Ctrl-C, a crash), it goes on where it was when
# run again; what is finished is not made again. To repeat a stage, remove its folder.
#   recipes/mini/run.sh [OUT [DATA]]
#       OUT   default: runs/parley-mini
#       DATA  the folder that README.md describes (default: ../shared/data beside this project)
# Settings of every stage stand here, the shape of the model in config.json, the mix of texts in
# text.py and of conversations in chat.py.
set -euo pipefail
top=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
here=$top/recipes/mini
out=$(realpath -m "${1:-$top/runs/parley-mini}")
data=$(realpath -m "${2:-$top/../shared/data}")
parley=$(realpath -m "${PARLEY:-$top/build/parley}")
if [ ! -d "$data" ]; then
  echo "$data: no such folder. $here/README.md says what belongs there and where it comes from" >&2
  exit 2
fi
mkdir -p "$out"
cd "$out"

source "$top/recipes/stage.bash"

# 1. Text of each source, and what is held out of it; a tokenizer for both languages.
[ -e data/text.jsonl ] || python3 "$here/text.py" "$data" data
[ -e tokenizer/tokenizer.json ] ||
  "$parley" tokenizer train --data data/text.jsonl data/talk.jsonl --vocab-size 8192 --out tokenizer

# 2. The language model. One document in ten is rearranged to learn filling in the middle. The
#    learning rate stays up until the last fifth, so that the run can go on for longer later.
stage base pretrain --data data/text.jsonl --val-data data/held_out --preset "$here/config.json" \
  --tokenizer tokenizer --seq 512 --batch 16 --grad-accum 1 --tokens 9000000 --warmup 25 \
  --schedule trapezoid --fim-rate 0.1 --checkpoint-every 100 --val-every 100 --sample-every 200 \
  --seed 1

# 3. Mid-training: lessons of our own and people's conversations, learned whole as text is (questions
#    too, all tokens count, no padding), with a quarter of the text again. From here on 1,024 tokens.
#    The longest stage: its checkpoints are kept from before the rate falls (state.sh).
if [ ! -e data/text_again.jsonl ]; then
  python3 "$here/write_lessons.py" data/lessons.jsonl --count 200000 --without "$here/checks.jsonl"
  python3 "$here/chat.py" "$data" data/lessons.jsonl data
  head -n 8500 data/text.jsonl >data/text_again.tmp  # its order is random
  mv data/text_again.tmp data/text_again.jsonl
fi
if [ ! -e base-1024 ]; then
  cp -r base/model base-1024.tmp
  sed -i 's/"max_position_embeddings": 512/"max_position_embeddings": 1024/' base-1024.tmp/config.json
  mv base-1024.tmp base-1024
fi
stage mid pretrain --model base-1024 --data data/sft.jsonl data/text_again.jsonl \
  --val-data data/sft_dev.jsonl --seq 512 --batch 16 --grad-accum 1 --tokens 15000000 --warmup 25 \
  --schedule trapezoid --fim-rate 0.1 --checkpoint-every 100 --keep 6 --val-every 100 \
  --sample-every 300 --seed 2

# 4. Instructions: of the same conversations the answers only, and a little text.
stage sft sft --model mid/model --data data/sft.jsonl --val-data data/sft_dev.jsonl --context 640 \
  --steps 2000 --batch 32 --lr 5e-4 --warmup 60 --pretrain-data data/text_again.jsonl \
  --pretrain-share 0.1 --seed 1

# 5. Preferences: one half for the reward model, the other for the judge that only looks on.
for half in rm:a judge:b; do
  stage "${half%:*}" reward --model sft/model --data "data/preferences_${half#*:}.jsonl" --steps 100 \
    --batch 32 --lr 3e-4 --context 512 --reference data/sft_dev.jsonl --seed 1
done

# 6. PPO with the pre-training mix.
stage ppo ppo --model sft/model --reward model:rm/model --gold model:judge/model \
  --prompts data/prompts.jsonl --max-prompt 192 --max-tokens 96 --temperature 0.7 --iterations 40 \
  --episodes 128 --epochs 2 --lr 1e-4 --kl 0.1 --eos-penalty 1 --warmup 3 --value-lr 2e-4 \
  --value-warmup 4 --seed 1 --eval-text data/held_out/dialogues.jsonl --ptx-data data/text.jsonl \
  --ptx 1 --ptx-ratio 0.25

# 7. Measures of each stage.
mkdir -p eval
# The pre-trained model knows no chat: it is shown questions and answers to continue (":prompted").
declare -A asked=([base]=base/model:prompted [mid]=mid/model [sft]=sft/model [ppo]=ppo/model)
for name in base mid sft ppo; do
  for file in data/held_out/*.jsonl; do
    result=eval/bpb-$name-$(basename "$file" .jsonl).json
    if [ ! -e "$result" ]; then
      "$parley" eval bpb --model "$name/model" --data "$file" --json >eval/tmp
      mv eval/tmp "$result"
    fi
  done
  [ -e "eval/chat-$name.json" ] ||
    "$parley" eval chat --model "${asked[$name]}" --prompts "$here/checks.jsonl" --max-tokens 200 \
      --out "eval/chat-$name.json"
done
[ -e eval/winrate.json ] ||
  "$parley" eval winrate --models "${asked[@]}" --prompts data/eval.jsonl \
    --judge judge/model --max-tokens 160 --temperature 0.7 --batch 64 --out eval/winrate.json

# 8. The model: PPO's if the judge prefers it to SFT's, in 16 bits; pictures and the card.
for name in base mid sft ppo; do
  "$parley" plot "$name" --out "eval/$name.png" >/dev/null
done
best=$(python3 "$here/card.py" "$out" --best)
rm -rf parley-mini
"$parley" quantize "$best/model" parley-mini --precision bf16
# A model as small as this is at its best well below a temperature of 1.
sed -i 's/^{/{\n  "do_sample": true,\n  "temperature": 0.3,\n  "top_p": 0.9,/' parley-mini/generation_config.json
python3 "$here/card.py" "$out" >parley-mini/README.md
cp eval/base.png eval/mid.png eval/sft.png eval/ppo.png parley-mini/
echo "parley-mini: $out/parley-mini (from $best); try: $parley chat --model $out/parley-mini"
