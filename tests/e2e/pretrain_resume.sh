# A run killed with -9 at random moments and resumed each time ends in the same model and
# optimiser state, bit for bit, as one that was never disturbed; on other numbers of threads too.
awk 'BEGIN {
  srand(1)
  split("the a big small fox dog sees likes runs jumps over under river tree 狐狸 看见 大 树", word)
  for (d = 0; d < 80; ++d) {
    text = ""
    for (i = 0; i < 60; ++i) text = text word[1 + int(rand() * 17)] " "
    printf "{\"text\":\"%s\"}\n", text
  }
}' >data.jsonl
cat >tiny.json <<'JSON'
{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 400,
 "n_positions": 32, "n_embd": 32, "n_layer": 2, "n_head": 2, "activation_function": "gelu_new",
 "layer_norm_epsilon": 1e-05, "tie_word_embeddings": true}
JSON
# In a subshell of its own: it becomes the program, so that its process can be killed.
begin() {
  exec "$PARLEY" --threads 1 pretrain --data data.jsonl --preset tiny.json --vocab-size 400 --seq 32 --batch 2 \
    --grad-accum 2 --steps 120 --checkpoint-every 15 --val-every 60 --sample-every 120 \
    --optimizer muon --lr 0.003 --cache cache --out "$1" 2>"$1.log"
}

lines() { cat "$1/metrics.jsonl" 2>/dev/null | wc -l || true; }

(begin whole)

# Killed three times, each some random number of steps after it got going.
begin broken & pid=$!
for attempt in 1 2 3; do
  target=$(($(lines broken) + 1 + RANDOM % 30))
  while [ "$(lines broken)" -lt "$target" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
  kill -9 "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  echo "attempt $attempt: killed with $(lines broken) lines of metrics"
  "$PARLEY" pretrain --resume --out broken 2>>broken.log & pid=$!
done
wait "$pid"

cmp whole/model/model.safetensors broken/model/model.safetensors
cmp whole/checkpoints/step-120/optimizer.safetensors broken/checkpoints/step-120/optimizer.safetensors
# Each step stands in the metrics once, in order.
[ "$(grep -o '"step":[0-9]*' broken/metrics.jsonl | cut -d: -f2 | tr '\n' ' ')" = "$(seq 120 | tr '\n' ' ')" ]

# Ctrl-C saves where it is and says how to go on.
begin interrupted & pid=$!
until [ -s interrupted/metrics.jsonl ]; do sleep 0.1; done
kill -INT "$pid"
if wait "$pid"; then echo "finished before the interrupt came"; else
  grep -q -- "--resume --out interrupted" interrupted.log
  "$PARLEY" pretrain --resume --out interrupted 2>>interrupted.log
fi
cmp whole/model/model.safetensors interrupted/model/model.safetensors

"$PARLEY" plot whole broken --out curves.svg >chart.txt
grep -q "<svg" curves.svg
"$PARLEY" plot whole --out curves.png >/dev/null
[ "$(head -c 4 curves.png | tail -c 3)" = PNG ]
"$PARLEY" eval bpb --model whole/model --data whole/held_out.jsonl --json | grep -q '"xz -9"'
