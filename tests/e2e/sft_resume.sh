# A run of SFT killed with -9 at random moments and resumed each time ends in the same model and
# optimiser state, bit for bit, as one that was never disturbed; on other numbers of threads too.
awk 'BEGIN {
  srand(2)
  split("the a big small fox dog sees likes runs jumps over under river tree 狐狸 看见 大 树", word)
  for (d = 0; d < 60; ++d) {
    text = ""
    for (i = 0; i < 40; ++i) text = text word[1 + int(rand() * 17)] " "
    printf "{\"text\":\"%s\"}\n", text >"text.jsonl"
    printf "{\"messages\":[{\"role\":\"user\",\"content\":\"%s?\"},{\"role\":\"assistant\",\"content\":\"%s。\"}]}\n",
           word[1 + int(rand() * 17)], word[1 + int(rand() * 17)] >"chats.jsonl"
  }
}'
cat >tiny.json <<'JSON'
{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 400,
 "n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 2, "activation_function": "gelu_new",
 "layer_norm_epsilon": 1e-05, "tie_word_embeddings": true}
JSON
"$PARLEY" pretrain --data text.jsonl --preset tiny.json --vocab-size 400 --seq 64 --batch 4 \
  --steps 20 --cache cache --out base 2>base.log

# In a subshell of its own: it becomes the program, so that its process can be killed.
begin() {
  exec "$PARLEY" --threads 1 sft --model base/model --data chats.jsonl --val-fraction 0.1 \
    --pretrain-data text.jsonl --pretrain-share 0.2 --cache cache --batch 8 --steps 200 \
    --checkpoint-every 20 --val-every 100 --sample-tokens 8 --lr 0.003 --out "$1" 2>"$1.log"
}

lines() { cat "$1/metrics.jsonl" 2>/dev/null | wc -l || true; }

(begin whole)

# Killed three times, each some random number of steps after it got going.
begin broken & pid=$!
for attempt in 1 2 3; do
  target=$(($(lines broken) + 1 + RANDOM % 45))
  while [ "$(lines broken)" -lt "$target" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
  kill -9 "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  echo "attempt $attempt: killed with $(lines broken) lines of metrics"
  # Killed before its config.json was there: nothing to go on with.
  if [ -e broken/config.json ]; then "$PARLEY" --threads $((attempt % 2 + 1)) sft --resume --out broken 2>>broken.log & else begin broken & fi
  pid=$!
done
wait "$pid"
grep -q 'resumed at step' broken.log

cmp whole/model/model.safetensors broken/model/model.safetensors
cmp whole/checkpoints/step-200/optimizer.safetensors broken/checkpoints/step-200/optimizer.safetensors
cmp whole/samples.md broken/samples.md
# Each step stands in the metrics once, in order.
[ "$(grep -o '"step":[0-9]*' broken/metrics.jsonl | cut -d: -f2 | tr '\n' ' ')" = "$(seq 0 200 | tr '\n' ' ')" ]

# Ctrl-C saves where it is and says how to go on.
begin interrupted & pid=$!
until [ -s interrupted/metrics.jsonl ]; do sleep 0.1; done
kill -INT "$pid"
if wait "$pid"; then echo "finished before the interrupt came"; else
  grep -q -- "sft --resume --out interrupted" interrupted.log
  "$PARLEY" --threads 1 sft --resume --out interrupted 2>>interrupted.log
fi
cmp whole/model/model.safetensors interrupted/model/model.safetensors

# The model answers, and stops by itself where a turn ends.
"$PARLEY" generate --model whole/model --prompt "the fox" --max-tokens 5 >answer.txt
grep -q '"eos_token": "<|im_end|>"' whole/model/tokenizer_config.json
"$PARLEY" sft --model base/model --data chats.jsonl --show-batch >batch.txt
grep -q '\[\[.*<|im_end|>\]\]' batch.txt

# Wrong usage ends with 2, broken data with 1 and its place.
set +e
"$PARLEY" sft --resume --lr 1 --out whole 2>/dev/null; [ $? = 2 ] || exit 1
echo '{"messages":[]}' >>chats.jsonl
"$PARLEY" sft --model base/model --data chats.jsonl --out other 2>other.log; [ $? = 1 ] || exit 1
set -e
grep -q 'chats.jsonl:61' other.log

# DPO on top of it: killed, resumed, the same.
awk 'BEGIN { for (i = 0; i < 40; ++i)
  printf "{\"prompt\":\"fox %d\",\"chosen\":\"树。\",\"rejected\":\"the river runs %d\"}\n", i, i }' >pairs.jsonl
prefer() {
  exec "$PARLEY" --threads 1 dpo --model whole/model --data pairs.jsonl --batch 8 --steps 80 --val-every 40 \
    --checkpoint-every 20 --sample-tokens 8 --lr 0.001 --out "$1" 2>"$1.log"
}
(prefer dpo)
prefer dpo-broken & pid=$!
until [ "$(lines dpo-broken)" -ge 25 ] || ! kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
kill -9 "$pid" 2>/dev/null || true
wait "$pid" 2>/dev/null || true
"$PARLEY" --threads 1 --json dpo --resume --out dpo-broken 2>>dpo-broken.log >result.json
cmp dpo/model/model.safetensors dpo-broken/model/model.safetensors
cmp dpo/reference.json dpo-broken/reference.json
grep -q 'resumed at step' dpo-broken.log
grep -q '"finished":true' result.json
grep -q '"val_accuracy"' result.json
