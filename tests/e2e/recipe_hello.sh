#!/usr/bin/env bash
# recipes/hello from its first to its last step, made short; stopped once, it goes on where it was.
set -euo pipefail
out=$TMPDIR/hello
export LESSONS=2400 TOKENS=60000 EPOCHS=0.2 ITERATIONS=1
hello=$PARLEY_SOURCE_DIR/recipes/hello/run.sh
"$hello" "$out" 2>log || { tail -n 20 log; exit 1; }
for stage in gpt sft rm judge ppo; do
  [ -e "$out/$stage/model/model.safetensors" ] || { echo "no model of $stage"; exit 1; }
done
# What is there is not made again; what is missing is.
before=$(stat -c %Y "$out/sft/model/model.safetensors")
rm -rf "$out/ppo"
"$hello" "$out" >again 2>log || { tail -n 20 log; exit 1; }
[ "$(grep -c '^== ' again)" = 1 ] || { cat again; exit 1; }
[ "$(stat -c %Y "$out/sft/model/model.safetensors")" = "$before" ] || { echo "sft was made again"; exit 1; }
# The checks can be asked of it.
head -n 3 "$PARLEY_SOURCE_DIR/recipes/mini/checks.jsonl" >some.jsonl
"$PARLEY" eval chat --model "$out/ppo/model" --prompts some.jsonl --max-tokens 8 --json | grep -q '"prompts"'
