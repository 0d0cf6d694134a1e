# The server as its operator meets it: configuration, keys, reload under a stream, drain, TLS.
command -v curl >/dev/null || { echo "skipped: curl is not installed"; exit 77; }
awk 'BEGIN { for (d = 0; d < 40; ++d) printf "{\"text\":\"the fox %d sees the dog. 狐狸看见狗。 the dog runs over the hill.\"}\n", d }' >text.jsonl
make_model() {
  "$PARLEY" pretrain --data text.jsonl --preset "$1" --vocab-size 300 --seq 512 --batch 1 \
    --steps 4 --val-every 4 --checkpoint-every 4 --sample-every 4 --out "$2" 2>"$2.log"
}
cat >tiny.json <<'JSON'
{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 300,
 "n_positions": 512, "n_embd": 32, "n_layer": 2, "n_head": 2, "activation_function": "gelu_new",
 "layer_norm_epsilon": 1e-05, "tie_word_embeddings": true}
JSON
sed 's/"n_positions": 512/"n_positions": 256/' tiny.json >other.json
make_model tiny.json one
"$PARLEY" pretrain --data text.jsonl --preset other.json --vocab-size 300 --seq 256 --batch 1 \
  --steps 4 --val-every 4 --checkpoint-every 4 --sample-every 4 --out two 2>two.log

# 1. Mistakes name their place; what is printed loads again.
printf '[server]\nprot = 1\n' >bad.toml
code=0; "$PARLEY" serve --config bad.toml 2>error.txt || code=$?
[ "$code" = 1 ] && grep -q 'bad.toml:2' error.txt && grep -q "'port'" error.txt
code=0; "$PARLEY" serve --port x --model one/model 2>error.txt || code=$?
[ "$code" = 2 ] && grep -q -- '--port' error.txt
code=0; "$PARLEY" serve --model nowhere 2>error.txt || code=$?
[ "$code" = 1 ]
PARLEY_SERVER_HOST=127.0.0.2 "$PARLEY" serve --model m=one/model --alias gpt-3.5-turbo --port 0 \
  --access-log "$PWD/access.log" --print-config >serve.toml
grep -q 'host = "127.0.0.2"' serve.toml
sed -i 's/127.0.0.2/127.0.0.1/' serve.toml
"$PARLEY" serve --config serve.toml --print-config | cmp - serve.toml

# 2. Keys.
key=$("$PARLEY" key new --name laptop --file keys.json 2>/dev/null)
"$PARLEY" key list --file keys.json | grep -q laptop
! grep -q "${key#pk-}" keys.json
sed -i 's/^keys = ""/keys = "keys.json"/' serve.toml

"$PARLEY" serve --config serve.toml --port-file port 2>serve.log & server=$!
trap 'kill -9 "$server" 2>/dev/null || true' EXIT
until [ -s port ]; do kill -0 "$server"; sleep 0.05; done
url=http://127.0.0.1:$(cat port)
ask() { curl -sS -N -m 60 -H "Authorization: Bearer $key" "$@"; }
[ "$(curl -s -o error.json -w '%{http_code}' "$url/v1/models")" = 401 ]
grep -q '"error"' error.json
ask "$url/v1/models" | grep -q '"context_length":512'
ask "$url/v1/models/gpt-3.5-turbo" | grep -q '"root":"m"'
curl -s "$url/health" | grep -q ok

# 3. Another model comes under a stream, which ends with the one it began with.
body='{"model":"m","prompt":"the fox","max_tokens":480,"ignore_eos":true,"stream":true}'
ask "$url/v1/completions" -d "$body" >stream.txt & stream=$!
until grep -q data: stream.txt; do kill -0 "$stream"; sleep 0.01; done
sed -i 's|^path = .*|path = "two/model"|' serve.toml
mv access.log access.log.1
kill -HUP "$server"
until ask "$url/v1/models" | grep -q '"context_length":256'; do sleep 0.05; done
wait "$stream"
[ "$(tail -n 2 stream.txt | head -n 1)" = 'data: [DONE]' ]
[ "$(grep -c '"finish_reason":"length"' stream.txt)" = 1 ]
# A configuration that is wrong changes nothing.
cp serve.toml good.toml
echo 'nonsense = 1' >>serve.toml
kill -HUP "$server"
until grep -q 'stays as it was' serve.log; do sleep 0.05; done
ask "$url/v1/models" | grep -q '"context_length":256'
grep -q /v1/models access.log
! grep -q 'the fox' access.log access.log.1 serve.log

# 4. A key that is revoked ends within a second or two.
"$PARLEY" key revoke "$("$PARLEY" key list --file keys.json | cut -d' ' -f1)" --file keys.json 2>/dev/null
for _ in $(seq 60); do
  [ "$(ask -o /dev/null -w '%{http_code}' "$url/v1/models")" != 403 ] || break
  sleep 0.05
done
[ "$(ask -o /dev/null -w '%{http_code}' "$url/v1/models")" = 403 ]
key=$("$PARLEY" key new --name other --file keys.json 2>/dev/null)
sleep 1.2

# 5. TERM: what is under way ends, nothing new begins.
body='{"model":"m","prompt":"the fox","max_tokens":240,"ignore_eos":true,"stream":true}'
for i in 1 2 3; do ask "$url/v1/completions" -d "$body" >last$i.txt & eval "last$i=$!"; done
until grep -q data: last1.txt && grep -q data: last2.txt && grep -q data: last3.txt; do sleep 0.01; done
kill -TERM "$server"
wait "$last1" "$last2" "$last3"
for i in 1 2 3; do [ "$(tail -n 2 last$i.txt | head -n 1)" = 'data: [DONE]' ]; done
wait "$server"
! curl -s "$url/health"

# 6. TLS.
if command -v openssl >/dev/null; then
  openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 \
    -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
  rm port
  "$PARLEY" serve --model m=one/model --port 0 --port-file port --access-log off \
    --tls-certificate cert.pem --tls-key key.pem 2>tls.log & server=$!
  until [ -s port ]; do kill -0 "$server"; sleep 0.05; done
  curl -sS --cacert cert.pem "https://127.0.0.1:$(cat port)/v1/completions" \
    -d '{"model":"m","prompt":"the","max_tokens":5,"stream":true}' | grep -q 'DONE'
  kill -INT "$server"
  wait "$server"
fi
