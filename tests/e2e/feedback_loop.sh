# The loop of docs/feedback_loop.md: people compare a model's answers in the chat app, a reward
# model and the policy learn from it, and the better model is served.
command -v curl >/dev/null || { echo "skipped: curl is not installed"; exit 77; }
awk 'BEGIN {
  srand(3)
  split("fox dog tree hill river bird 狐狸 大树", word)
  for (d = 0; d < 300; ++d) {
    a = word[1 + int(rand() * 8)]; b = word[1 + int(rand() * 8)]
    answer = (rand() < 0.5 ? "yes " : "no ") a
    printf "{\"text\":\"does the %s see the %s? %s. %d\"}\n", a, b, answer, d >"text.jsonl"
    printf "{\"messages\":[{\"role\":\"user\",\"content\":\"%s %s %d?\"},{\"role\":\"assistant\",\"content\":\"%s\"}]}\n",
           a, b, d, answer >"chats.jsonl"
  }
}'
cat >tiny.json <<'JSON'
{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 400,
 "n_positions": 256, "n_embd": 48, "n_layer": 2, "n_head": 2, "activation_function": "gelu_new",
 "layer_norm_epsilon": 1e-05, "tie_word_embeddings": true}
JSON
"$PARLEY" pretrain --data text.jsonl --preset tiny.json --vocab-size 400 --seq 64 --batch 8 \
  --grad-accum 1 --steps 30 --lr 3e-3 --out base 2>base.log
"$PARLEY" sft --model base/model --data chats.jsonl --batch 16 --steps 150 --lr 3e-3 \
  --val-every 150 --sample-tokens 8 --out sft 2>sft.log

server=
trap 'kill -9 $server 2>/dev/null || true' EXIT
serve() { # MODEL
  rm -f port jar
  "$PARLEY" serve --model "$1" --database "$PWD/chat.db" --runs "$PWD" --port 0 --port-file port \
    --access-log off 2>serve.log & server=$!
  until [ -s port ]; do kill -0 "$server"; sleep 0.05; done
  app=http://127.0.0.1:$(cat port)/app/api
  csrf=$(curl -sS -c jar -b jar "$app/session" | grep -o '"csrf":"[^"]*"' | cut -d'"' -f4)
}
api() { # PATH CURL'S FLAGS...
  local path=$1
  shift
  curl -sS --fail-with-body -m 60 -b jar -H "X-CSRF-Token: $csrf" "$@" "$app$path"
}
id='"id":"[A-Za-z0-9_-]\{22\}"'
ids() { grep -o "$id" | cut -d'"' -f4; }
# The texts of answers, a line each, when they have ended.
texts() { # MESSAGE...
  local urls=() message
  for message; do urls+=("$app/messages/$message/stream"); done
  curl -sS -m 60 -b jar "${urls[@]}" | grep '"type":"done"' | grep -o '"content":"[^"]*"'
}

# 1. 200 people, or one patient one, say which of two answers is better.
serve tiny=sft/model
yes_of() { [[ "$1" == *yes* ]]; }
before=0
chat=$(api /conversations -d '{"params":{"max_tokens":8,"temperature":1}}' | ids | head -n 1)
for i in $(seq 200); do
  asked=$(api "/conversations/$chat/messages" \
    -d "{\"parent\":null,\"content\":\"fox river $i?\",\"answers\":2}")
  mapfile -t all < <(ids <<<"$asked")
  mapfile -t said < <(texts "${all[1]}" "${all[2]}")
  first=${said[0]} second=${said[1]}
  chosen=${all[1]} rejected=${all[2]} tie=false
  if yes_of "$first" && yes_of "$second"; then tie=true before=$((before + 1))
  elif yes_of "$second"; then chosen=${all[2]} rejected=${all[1]}
  elif ! yes_of "$first"; then tie=true; fi
  # An answer may be empty: such a pair is not judged.
  api /feedback -o feedback.json -d "{\"kind\":\"comparison\",\"chosen\":\"$chosen\",
    \"rejected\":\"$rejected\",\"tie\":$tie}" 2>/dev/null || grep -q no_answer feedback.json
done
# A correction and a rating too; what has no token of the page is refused.
api /feedback -d "{\"kind\":\"correction\",\"message\":\"$chosen\",\"text\":\"yes 狐狸\"}" >/dev/null
api /feedback -d "{\"kind\":\"rating\",\"message\":\"$chosen\",\"rating\":1}" >/dev/null
[ "$(curl -s -o /dev/null -w '%{http_code}' -b jar "$app/feedback" -d '{}')" = 403 ]
api /feedback/stats | grep -q '"corrections":1'
api /runs | grep -q '"name":"sft"'
# What was said of answers stays when the conversations go.
api /conversations -X DELETE >/dev/null
kill -TERM "$server"; wait "$server"

# 2. Feedback becomes data.
"$PARLEY" feedback stats --database chat.db
"$PARLEY" feedback export --database chat.db --out feedback
"$PARLEY" --json feedback export --database chat.db --out again --kind comparison >export.json
grep -q '"left_out":{' export.json
pairs=$(wc -l <again/preferences.jsonl)
[ "$pairs" -ge 30 ]
[ "$(wc -l <feedback/prompts.jsonl)" -ge 190 ]
[ "$(wc -l <feedback/sft.jsonl)" = 1 ]
"$PARLEY" feedback export --database chat.db --out third >/dev/null
cmp feedback/preferences.jsonl third/preferences.jsonl
code=0; "$PARLEY" feedback export --database nowhere.db --out x 2>error.log || code=$?
[ "$code" = 1 ] && grep -q 'nowhere.db' error.log && [ ! -e nowhere.db ]

# 3. A reward model, DPO, and a little PPO learn from it.
"$PARLEY" reward --model sft/model --data feedback/preferences.jsonl --val-fraction 0.1 --batch 8 \
  --steps 60 --lr 3e-3 --out reward 2>reward.log
"$PARLEY" reward score --model reward/model >scores.jsonl 2>/dev/null <<'JSON'
{"messages":[{"role":"user","content":"fox river 7?"}],"response":"yes fox"}
{"messages":[{"role":"user","content":"fox river 7?"}],"response":"no fox"}
JSON
awk -F'[:}]' 'NR == 1 { a = $2 } NR == 2 { b = $2 } END { print "reward of yes", a, "of no", b; exit !(a > b) }' scores.jsonl
"$PARLEY" dpo --model sft/model --data feedback/preferences.jsonl --val-fraction 0.1 --batch 8 \
  --steps 40 --lr 5e-4 --sft-weight 0.2 --sample-tokens 8 --out dpo 2>dpo.log
"$PARLEY" ppo --model sft/model --reward model:reward/model --prompts feedback/prompts.jsonl \
  --iterations 2 --episodes 16 --max-tokens 8 --out ppo 2>ppo.log
[ -e ppo/model/model.safetensors ]

# 4. The new model answers, and as people wanted it.
serve tiny=dpo/model
after=0
chat=$(api /conversations -d '{"params":{"max_tokens":8,"temperature":1}}' | ids | head -n 1)
for i in $(seq 20); do
  asked=$(api "/conversations/$chat/messages" -d "{\"parent\":null,\"content\":\"fox river $i?\"}")
  mapfile -t all < <(ids <<<"$asked")
  if yes_of "$(texts "${all[1]}")"; then after=$((after + 1)); fi
done
api "/messages/${all[1]}" | grep -q '"status":"done"'
echo "both answers were yes $before times of 200; of the new model $after of 20 are"
[ "$after" -ge 12 ]
kill -TERM "$server"; wait "$server"
