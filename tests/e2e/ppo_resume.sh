# PPO with the pre-training mix, an average and an adaptive KL, killed with -9 at random moments and
# resumed each time, ends in the same policy, value model and optimisers, bit for bit, as a run
# that was never disturbed. GRPO too.
recipe=$PARLEY_SOURCE_DIR/recipes/random-walks
python3 "$recipe/walks.py" make data
"$PARLEY" --threads 1 pretrain --data data/walks.jsonl --preset "$recipe/config.json" --vocab-size 300 \
  --seq 16 --batch 32 --grad-accum 1 --steps 40 --lr 3e-3 --val-fraction 0.1 --out lm 2>lm.log

# The shell it runs in becomes the program, so that its number is the one to kill.
begin() { # ALGORITHM RUN FLAGS...
  algorithm=$1 out=$2
  shift 2
  exec "$PARLEY" --threads 1 "$algorithm" --model lm/model --prompts data/prompts.jsonl \
    --reward "command:python3 $recipe/walks.py judge $PWD/data" --iterations 24 --episodes 64 \
    --max-tokens 10 --lr 5e-4 --checkpoint-every 4 --sample-every 8 --out "$out" "$@" 2>"$out.log"
}
ppo_flags=(--kl 0.02 --kl-target 1 --minibatches 2 --epochs 2 --ema 0.9 --ptx-data data/walks.jsonl
  --ptx 0.5 --eval-text data/walks.jsonl)
lines() { cat "$1/metrics.jsonl" 2>/dev/null | wc -l || true; }

(begin ppo whole "${ppo_flags[@]}")
begin ppo broken "${ppo_flags[@]}" & pid=$!
for attempt in 1 2 3; do
  target=$(($(lines broken) + 1 + RANDOM % 7))
  while [ "$(lines broken)" -lt "$target" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
  kill -9 "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  echo "attempt $attempt: killed with $(lines broken) lines of metrics"
  "$PARLEY" --threads 1 ppo --resume --out broken 2>>broken.log & pid=$!
done
wait "$pid"
for file in model.safetensors optimizer.safetensors value/model.safetensors \
  value/optimizer.safetensors ema/model.safetensors; do
  cmp "whole/checkpoints/step-24/$file" "broken/checkpoints/step-24/$file"
done
cmp whole/model/model.safetensors broken/model/model.safetensors
cmp whole/model/model.safetensors whole/checkpoints/step-24/ema/model.safetensors
[ "$(grep -o '^{"step":[0-9]*' broken/metrics.jsonl | cut -d: -f2 | tr '\n' ' ')" = "$(seq 24 | tr '\n' ' ')" ]

# The walks become shorter: the reward at the end is above that at the beginning.
reward() { sed -n "$2p" "$1/metrics.jsonl" | grep -o '"reward":[0-9.e-]*' | cut -d: -f2; }
awk -v a="$(reward whole 1)" -v b="$(reward whole 24)" 'BEGIN { print "reward", a, "->", b; exit !(b > a + 0.1) }'
# The first pass on unchanged weights: ratio 1, KL 0, and what was sampled is what is trained on.
head -1 whole/metrics.jsonl | grep -q '"kl":0.0,'
head -1 whole/metrics.jsonl | python3 -c '
import json, sys
first = json.loads(sys.stdin.read())
assert first["first_ratio_error"] < 1e-12, first
assert first["sampling_drift"] < 1e-4, first'

begin grpo group --group 8 --kl 0.01 --epochs 1 & pid=$!
until [ "$(lines group)" -ge 5 ]; do sleep 0.05; done
kill -INT "$pid"
if wait "$pid"; then echo "finished before the interrupt came"; else
  grep -q -- "grpo --resume --out group" group.log
  "$PARLEY" --threads 1 grpo --resume --out group 2>>group.log
fi
(begin grpo undisturbed --group 8 --kl 0.01 --epochs 1)
cmp undisturbed/model/model.safetensors group/model/model.safetensors

# Mistakes are named, with what to do.
expect() { # TEXT COMMAND...
  local text=$1
  shift
  if "$@" 2>error.log; then echo "no error: $*"; exit 1; fi
  grep -q -- "$text" error.log || { cat error.log; exit 1; }
}
run=("$PARLEY" ppo --model lm/model --prompts data/prompts.jsonl --max-tokens 8 --out bad)
expect "a run is here already" "$PARLEY" ppo --model lm/model --prompts data/prompts.jsonl --reward finished --out whole
expect "reward" "${run[@]}" --reward nonsense:1
expect "temperature" "${run[@]}" --reward finished --temperature 0
expect "context" "$PARLEY" ppo --model lm/model --prompts data/prompts.jsonl --reward finished \
  --max-tokens 100 --out bad
expect "not a reward model" "${run[@]}" --reward model:lm/model
expect "multiple of --group" "${run[@]}" --reward finished --episodes 10 --group 3
printf '{"prompt": ""}\n' >empty.jsonl
expect "empty.jsonl:1" "$PARLEY" ppo --model lm/model --prompts empty.jsonl --reward finished --max-tokens 8 --out bad
expect "no run to resume" "$PARLEY" ppo --resume --out nowhere
