# A reward model killed with -9 and resumed is the same, bit for bit; it scores answers from
# standard input; broken preferences are named by file and line.
awk 'BEGIN {
  srand(2)
  split("the a big small fox dog sees likes runs jumps over under river tree 狐狸 看见 大 树", word)
  for (d = 0; d < 60; ++d) {
    text = ""
    for (i = 0; i < 40; ++i) text = text word[1 + int(rand() * 17)] " "
    printf "{\"text\":\"%s\"}\n", text > "text.jsonl"
    good = "yes " word[1 + int(rand() * 17)]; bad = "no " word[1 + int(rand() * 17)]
    printf "{\"messages\":[{\"role\":\"user\",\"content\":\"%s %d\"}],", word[1 + d % 17], d > "pairs.jsonl"
    if (d % 3) printf "\"chosen\":\"%s\",\"rejected\":\"%s\"}\n", good, bad > "pairs.jsonl"
    else printf "\"answers\":[\"%s\",\"%s\",\"%s 大\"],\"ranks\":[1,2,2]}\n", good, bad, bad > "pairs.jsonl"
  }
}'
cat >tiny.json <<'JSON'
{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 400,
 "n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 2, "activation_function": "gelu_new",
 "layer_norm_epsilon": 1e-05, "tie_word_embeddings": true}
JSON
"$PARLEY" --threads 1 pretrain --data text.jsonl --preset tiny.json --vocab-size 400 --seq 64 --batch 4 \
  --grad-accum 1 --steps 10 --cache cache --out lm 2>lm.log
# The shell it runs in becomes the program, so that its number is the one to kill.
begin() {
  exec "$PARLEY" --threads 1 reward --model lm/model --data pairs.jsonl --val-fraction 0.2 --steps 60 \
    --batch 8 --lr 3e-3 --val-every 10 --out "$1" 2>"$1.log"
}
lines() { cat "$1/metrics.jsonl" 2>/dev/null | wc -l || true; }

(begin whole)
begin broken & pid=$!
for attempt in 1 2; do
  target=$(($(lines broken) + 1 + RANDOM % 20))
  while [ "$(lines broken)" -lt "$target" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
  kill -9 "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  echo "attempt $attempt: killed with $(lines broken) lines of metrics"
  "$PARLEY" --threads 1 reward --resume --out broken 2>>broken.log & pid=$!
done
wait "$pid"
cmp whole/model/model.safetensors broken/model/model.safetensors
cmp whole/model/config.json broken/model/config.json
cmp whole/report.json broken/report.json
grep -q GPT2ForSequenceClassification whole/model/config.json

# It learned that "yes" wins, and says so of answers it never saw.
"$PARLEY" reward score --model whole/model >scores.jsonl 2>/dev/null <<'JSON'
{"messages":[{"role":"user","content":"fox 7"}],"response":"yes river"}
{"messages":[{"role":"user","content":"fox 7"}],"response":"no river"}
{"prompt":"树 3","response":"yes 狐狸"}
JSON
[ "$(wc -l <scores.jsonl)" = 3 ]
awk -F'[:}]' 'NR == 1 { a = $2 } NR == 2 { b = $2 } END { exit !(a > b) }' scores.jsonl

expect() { # TEXT COMMAND...
  local text=$1
  shift
  if "$@" >/dev/null 2>error.log; then echo "no error: $*"; exit 1; fi
  grep -q -- "$text" error.log || { cat error.log; exit 1; }
}
train=("$PARLEY" reward --model lm/model --out bad --data)
printf '{"messages":[{"role":"user","content":"q"}],"chosen":"a","rejected":"b"}\n{"messages":[{"role":"user","content":"q"}],"chosen":"same","rejected":"same"}\n' >equal.jsonl
expect "equal.jsonl:2" "${train[@]}" equal.jsonl
printf '{"messages":[],"chosen":"a","rejected":"b"}\n' >empty.jsonl
expect "empty.jsonl:1" "${train[@]}" empty.jsonl
printf '{"messages":[{"role":"wizard","content":"q"}],"chosen":"a","rejected":"b"}\n' >role.jsonl
expect "wizard" "${train[@]}" role.jsonl
printf '{"messages":[{"role":"user","content":"\xff"}],"chosen":"a","rejected":"b"}\n' >bytes.jsonl
expect "bytes.jsonl:1" "${train[@]}" bytes.jsonl
expect "not a reward model" "$PARLEY" reward score --model lm/model --data pairs.jsonl
expect "pairs.jsonl:1" "$PARLEY" reward score --model whole/model --data pairs.jsonl
expect "required" "$PARLEY" reward --out bad
# Broken records are counted when that is asked for.
"$PARLEY" --threads 1 reward --model lm/model --data pairs.jsonl equal.jsonl role.jsonl --skip-bad --steps 2 \
  --batch 4 --out skipped 2>skipped.log
grep -q "2 broken records passed over" skipped.log
