# Two servers behind nginx, with the configuration of contrib/nginx: they share the load, answers
# come in pieces, clients that leave are noticed, and one of the two may die.
fail() { echo "FAILED: $*" >&2; cat ./*.err >&2 2>/dev/null || true; exit 1; }
nginx=$(PATH=$PATH:/usr/sbin:/sbin command -v nginx) || { echo "nginx is not installed"; exit 77; }
command -v curl >/dev/null || { echo "curl is not installed"; exit 77; }
pids=()
trap '[ ${#pids[@]} = 0 ] || kill -9 "${pids[@]}" 2>/dev/null || true' EXIT
# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
  local tries=$(($1 * 20))
  shift
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || return 1
    sleep 0.05
  done
}

for i in $(seq 200); do printf 'The fox %d jumps over the dog. 狐狸跳过狗。\n\n' "$i"; done >text.txt
"$PARLEY" pretrain --data text.txt --out run --vocab-size 300 --seq 256 --batch 1 --grad-accum 1 \
  --steps 2 --fim-rate 0.5 --cache cache 2>pretrain.err || fail pretrain

# start NAME: a server of its own, on a free port.
start() {
  OMP_NUM_THREADS=1 "$PARLEY" serve --model run/model --alias test --port 0 --port-file "$1.port" \
    --trusted-proxies 127.0.0.1 --access-log "$1.log" --access-format json >"$1.out" 2>"$1.err" &
  pids+=($!)
}
start one
start two
one=${pids[0]}
wait_for 30 test -s one.port || fail "the first server does not start"
wait_for 30 test -s two.port || fail "the second server does not start"

mkdir logs
cat >nginx.conf <<EOF
daemon off;
master_process off;
pid $PWD/nginx.pid;
error_log $PWD/nginx.err info;
events {}
http {
  access_log off;
  client_body_temp_path $PWD/logs/body;
  proxy_temp_path $PWD/logs/proxy;
  fastcgi_temp_path $PWD/logs/fastcgi;
  uwsgi_temp_path $PWD/logs/uwsgi;
  scgi_temp_path $PWD/logs/scgi;
  include $PWD/parley.conf;
}
EOF
# nginx cannot choose a port itself: try some, below those the system gives to clients.
for attempt in 1 2 3 4 5; do
  front=$((10000 + RANDOM % 20000))
  url=http://127.0.0.1:$front
  sed -e "s/127.0.0.1:8081/127.0.0.1:$(cat one.port)/; s/127.0.0.1:8082/127.0.0.1:$(cat two.port)/" \
    -e "s/listen 80;/listen 127.0.0.1:$front;/; /listen \[::\]/d" \
    "$PARLEY_SOURCE_DIR/contrib/nginx/parley.conf" >parley.conf
  "$nginx" -t -c "$PWD/nginx.conf" -p "$PWD" 2>nginx_test.err || continue
  "$nginx" -c "$PWD/nginx.conf" -p "$PWD" >nginx.out 2>>nginx.err &
  front_pid=$!
  pids+=("$front_pid")
  wait_for 5 curl -sf "$url/health" && kill -0 "$front_pid" && break
  [ "$attempt" -lt 5 ] || fail "nginx does not answer"
done

complete() { # MAX_TOKENS MORE_JSON [CURL FLAGS]
  local tokens=$1 more=$2
  shift 2
  curl -sS -m 30 "$@" "$url/v1/completions" -H 'Content-Type: application/json' \
    -H 'X-Forwarded-For: 6.6.6.6' \
    -d "{\"model\": \"test\", \"prompt\": \"The fox\", \"max_tokens\": $tokens, \"seed\": 1$more}"
}
answers() { grep -c '"path":"/v1/completions"' "$1.log" || true; }

# --- Load is shared, and the client's address is the one nginx saw.
for i in $(seq 8); do
  complete 2 '' -f >answer.json || fail "completion $i"
done
wait_for 5 test -s one.log && wait_for 5 test -s two.log || fail "no access log"
sleep 0.3
[ "$(answers one)" -ge 2 ] && [ "$(answers two)" -ge 2 ] ||
  fail "the load is not shared: $(answers one) and $(answers two)"
! grep -q 6.6.6.6 one.log two.log || fail "a client chose its own address"

# --- A stream arrives in pieces: the first long before the last.
complete 200 ', "stream": true, "ignore_eos": true' -N >stream.txt || fail stream
grep -q '^data: \[DONE\]' stream.txt || fail "the stream does not end"
[ "$(grep -c '^data: ' stream.txt)" -ge 10 ] || fail "the stream is one piece"
times=$(complete 200 ', "stream": true' -N -o /dev/null \
  -w '%{time_starttransfer} %{time_total} %header{x-accel-buffering} %{http_code}')
echo "stream through nginx: first byte and last at $times s"
[ "${times##* }" = 200 ] || fail "stream: $times"
# Each event on its own, not blocks of buffers: curl sees many reads.
complete 200 ', "stream": true' -N --trace-ascii trace.txt --trace-time -o /dev/null
[ "$(grep -c 'Recv data' trace.txt)" -ge 10 ] || fail "nginx buffers the stream"

# --- Request ids pass through.
complete 1 '' -D head.txt -o /dev/null
grep -qi '^x-request-id: ' head.txt || fail "no x-request-id through nginx"
[ "$(curl -s -o /dev/null -w '%{http_code}' "$url/metrics")" = 403 ] || fail "metrics for everybody"

# --- One of the two dies in the middle: what comes next is answered by the other.
kill -9 "$one"
for i in $(seq 6); do
  complete 2 '' -f >answer.json || fail "completion $i after a server died"
done

# --- And comes back.
port=$(cat one.port)
OMP_NUM_THREADS=1 "$PARLEY" serve --model run/model --alias test --port "$port" \
  --trusted-proxies 127.0.0.1 --access-log again.log --access-format json >again.out 2>again.err &
pids+=($!)
wait_for 30 curl -sf "http://127.0.0.1:$port/health" || fail "the server does not come back"
answered_again() { complete 1 '' -f >/dev/null && [ "$(answers again)" -ge 1 ]; }
wait_for 20 answered_again || fail "nginx never asks the server that came back"

# --- A server that drains answers what it has, and the other takes the rest.
kill -TERM "${pids[1]}"
for i in $(seq 4); do
  complete 2 '' -f >answer.json || fail "completion $i while a server drains"
done
wait "${pids[1]}" || fail "the drained server ended with an error"
