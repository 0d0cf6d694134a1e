# A server under load: many clients, some of whom leave midway. No answer fails, nothing runs on for
# those who left, the queue's refusals are 429s, and the server ends by itself when it is told to.
awk 'BEGIN {
  srand(3)
  split("the a big small fox dog sees likes runs jumps over under river tree 狐狸 看见 大 树", word)
  for (d = 0; d < 40; ++d) {
    text = ""
    for (i = 0; i < 60; ++i) text = text word[1 + int(rand() * 18)] " "
    printf "{\"text\":\"%s\"}\n", text >"text.jsonl"
  }
}'
cat >tiny.json <<'JSON'
{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 400,
 "n_positions": 512, "n_embd": 32, "n_layer": 2, "n_head": 2, "activation_function": "gelu_new",
 "layer_norm_epsilon": 1e-05, "tie_word_embeddings": true}
JSON
"$PARLEY" pretrain --data text.jsonl --preset tiny.json --vocab-size 400 --seq 512 --batch 1 \
  --steps 10 --val-every 10 --checkpoint-every 10 --sample-every 10 --out base 2>base.log

"$PARLEY" serve --model tiny=base/model --port 0 --port-file port --access-log access.log \
  --max-sequences 8 --max-waiting 16 2>serve.log & server=$!
trap 'kill -9 "$server" 2>/dev/null || true' EXIT
until [ -s port ]; do kill -0 "$server"; sleep 0.05; done
url=http://127.0.0.1:$(cat port)

# expect FILE EXPRESSION: of the measurement's JSON.
expect() { python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); assert eval(sys.argv[2]), r' "$1" "$2"; }

"$PARLEY" bench serve --url "$url" --clients 16 --requests 300 --max-tokens 24 --prompt-tokens 20 \
  --ignore-eos --pid "$server" --json >calm.json
expect calm.json 'r["done"] == 300 and r["failed"] == 0 and r["refused"] == 0'
expect calm.json 'r["answer_tokens"] == 300 * 24 and r["running_after"] == 0 and r["waiting_after"] == 0'
expect calm.json 'r["first_token_ms"]["p50"] > 0 and r["memory"]["last_bytes"] > 1e6'

# Half of them leave; more come than the queue takes.
"$PARLEY" bench serve --url "$url" --clients 64 --seconds 3 --max-tokens 200 --prompt-tokens 20 \
  --ignore-eos --disconnect 0.5 --json >busy.json
expect busy.json 'r["failed"] == 0 and r["done"] > 20 and r["disconnected"] > 20 and r["refused"] > 0'
expect busy.json 'r["running_after"] == 0 and r["waiting_after"] == 0'
"$PARLEY" bench serve --url "$url" --clients 8 --requests 100 --no-stream --disconnect 0.5 >whole.txt
grep -q ' 0 failed' whole.txt
grep -q 'nothing lives on' whole.txt

kill -TERM "$server"
wait "$server"

# Wrong usage ends with 2; nobody there, with 1.
code=0; "$PARLEY" bench serve --url ftp://x 2>error.txt || code=$?
[ "$code" = 2 ] && grep -q 'http://' error.txt
code=0; "$PARLEY" bench serve --url http://127.0.0.1:1 2>error.txt || code=$?
[ "$code" = 1 ] && grep -q 'is the server running' error.txt
