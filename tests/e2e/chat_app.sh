# The chat app as its operator meets it: a page, a chat over a restart, accounts, drain.
command -v curl >/dev/null || { echo "skipped: curl is not installed"; exit 77; }
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
awk 'BEGIN { for (d = 0; d < 40; ++d) printf "{\"text\":\"the fox %d sees the dog. 狐狸看见狗。 the dog runs over the hill.\"}\n", d }' >text.jsonl
cat >tiny.json <<'JSON'
{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 300,
 "n_positions": 512, "n_embd": 32, "n_layer": 2, "n_head": 2, "activation_function": "gelu_new",
 "layer_norm_epsilon": 1e-05, "tie_word_embeddings": true}
JSON
"$PARLEY" pretrain --data text.jsonl --preset tiny.json --vocab-size 300 --seq 512 --batch 1 \
  --steps 4 --val-every 4 --checkpoint-every 4 --sample-every 4 --out one 2>one.log

server=
start() {
  rm -f port
  "$PARLEY" serve --model one/model --port 0 --port-file port "$@" 2>serve.log & server=$!
  until [ -s port ]; do kill -0 "$server" || { cat serve.log; exit 1; }; sleep 0.05; done
  url=http://127.0.0.1:$(cat port)
}
stop() {
  kill -TERM "$server"
  wait "$server"
}
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null || true' EXIT
# field NAME: of the JSON on standard input; names of objects within are joined by dots.
field() {
  python3 -c 'import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1].split("."):
    value = value[int(name)] if isinstance(value, list) else value[name]
print(value if isinstance(value, str) else json.dumps(value))' "$1"
}
# api METHOD PATH [BODY]: as the page does it; jar and csrf are the browser's.
api() {
  local body=()
  [ $# -lt 3 ] || body=(-d "$3")
  curl -sS -b jar -c jar -H "X-CSRF-Token: ${csrf:-}" -H "Origin: $url" -X "$1" "${body[@]}" "$url/app/api$2"
}
not() {
  ! "$@"
}
open() {
  csrf=$(api GET /session | field csrf)
}

# 1. The page, and who may see it.
start
grep -q "the chat app: $url/" serve.log
[ -s .data/parley/parley.db ] && [ "$(stat -c %a .data/parley)" = 700 ]
curl -sS -H 'Accept: text/html' "$url/" | grep -qi '<!doctype html>'
curl -sS -o page -w '%{http_code}' -H 'Accept: text/html' "$url/c/some-chat" | grep -q 200
[ "$(curl -sS -o /dev/null -w '%{http_code}' "$url/no/such/page")" = 404 ]
[ "$(curl -sS -o /dev/null -w '%{http_code}' -H 'Host: evil.example' "$url/")" = 403 ]
curl -sS "$url/v1/models" | grep -q '"id":"one"'

# 2. A chat that a restart interrupts, and that goes on.
open
chat=$(api POST /conversations '{"params": {"temperature": 0}}' | field id)
answer=$(api POST "/conversations/$chat/messages" '{"parent": null, "content": "the fox 狐狸"}' | field answers.0.id)
kill -TERM "$server"; sleep 0.2; kill -TERM "$server" 2>/dev/null || true
wait "$server" || true
start
status=$(api GET "/messages/$answer" | field status)
[ "$status" = done ] || [ "$status" = interrupted ]
open
api POST "/messages/$answer/regenerate" '{"params": {"max_tokens": 5}}' | field answers.0.id >again
curl -sSN -b jar "$url/app/api/messages/$(cat again)/stream" | grep -q '"type":"done"'
[ "$(api GET "/conversations/$chat" | field title)" = "the fox 狐狸" ]
api GET /export >export.json
[ "$(field format <export.json)" = parley ]
api DELETE "/conversations/$chat" >/dev/null
[ "$(api POST /import @export.json | field imported)" = 1 ]

# 3. What a drain waits for: the answer ends as it should, and its reader sees that.
chat=$(api POST /conversations '{"params": {"temperature": 0, "max_tokens": 200}}' | field id)
answer=$(api POST "/conversations/$chat/messages" '{"parent": null, "content": "the dog"}' | field answers.0.id)
curl -sSN -b jar "$url/app/api/messages/$answer/stream" >stream & reader=$!
sleep 0.1
stop
wait "$reader"
grep -q '"type":"done"' stream && grep -q '"status":"done"' stream

# 4. Accounts: the first takes over the chats, others are invited, from the command line too.
start --users on
rm jar; csrf=; open
[ "$(api GET /session | field setup_needed)" = true ]
csrf=$(api POST /signup '{"name": "ada", "password": "correct horse"}' | field csrf)
api GET /conversations | grep -q "the dog"
code=$("$PARLEY" user invite --days 1 2>/dev/null)
echo 'battery staple' | "$PARLEY" user add bob 2>/dev/null
"$PARLEY" user list | grep -q 'bob$'
[ "$("$PARLEY" user list --json | wc -l)" = 2 ]
not "$PARLEY" user disable ada 2>error.txt
grep -q 'last administrator' error.txt
rm jar; csrf=; open
csrf=$(api POST /signup "{\"invitation\": \"$code\", \"name\": \"eve\", \"password\": \"tr0ub4dor&3\"}" | field csrf)
[ "$(api GET /session | field user.role)" = user ]
api GET /conversations >list.json
not grep -q "the dog" list.json
"$PARLEY" user disable eve 2>/dev/null
[ "$(api GET /conversations | field error.code)" = no_session ]
stop

# 5. Without it.
start --app off
[ "$(curl -sS -o /dev/null -w '%{http_code}' -H 'Accept: text/html' "$url/")" = 404 ]
stop
server=
