# Tiny models from nothing, judged: win rates of models and files by a reward model and by an API,
# the best of n, and their pictures.
awk 'BEGIN {
  srand(1)
  split("the a big small fox dog sees likes runs jumps over under river tree 狐狸 看见 大 树", word)
  for (d = 0; d < 60; ++d) {
    text = ""
    for (i = 0; i < 60; ++i) text = text word[1 + int(rand() * 17)] " "
    printf "{\"text\":\"%s\"}\n", text
    w = word[1 + int(rand() * 17)]
    printf "{\"messages\":[{\"role\":\"user\",\"content\":\"say %s\"}],\"chosen\":\"%s %s\",\"rejected\":\"no %d\"}\n", w, w, w, d >"pairs.jsonl"
    printf "{\"messages\":[{\"role\":\"user\",\"content\":\"say %s\"},{\"role\":\"assistant\",\"content\":\"%s %s\"}]}\n", w, w, w >"chats.jsonl"
    if (d < 12) printf "{\"messages\":[{\"role\":\"user\",\"content\":\"say %s %d\"}]}\n", w, d >"prompts.jsonl"
    if (d < 12) printf "{\"prompt\":\"say %s %d\",\"response\":\"%s %s\"}\n", w, d, w, w >"answers.jsonl"
  }
}' >data.jsonl
cat >tiny.json <<'JSON'
{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 400,
 "n_positions": 256, "n_embd": 32, "n_layer": 2, "n_head": 2, "activation_function": "gelu_new",
 "layer_norm_epsilon": 1e-05, "tie_word_embeddings": true}
JSON
"$PARLEY" pretrain --data data.jsonl --preset tiny.json --vocab-size 400 --seq 64 --batch 4 \
  --steps 20 --cache cache --out base 2>base.log
"$PARLEY" sft --model base/model --data chats.jsonl --steps 10 --batch 8 --context 64 --out sft 2>sft.log
for seed in 1 2; do
  "$PARLEY" reward --model sft/model --data pairs.jsonl --steps 10 --batch 8 --seed $seed \
    --out reward$seed 2>reward.log
done

"$PARLEY" eval winrate --models sft/model base/model:prompted base/model:raw answers.jsonl \
  --prompts prompts.jsonl --judge reward1/model --max-tokens 12 --out report.json >table.txt
cat table.txt
grep -q "sft against base:prompted" table.txt
grep -q "base:raw against answers.jsonl" table.txt
grep -q "### Prompt" report.md
# The same seed gives the same report, whatever runs together.
"$PARLEY" eval winrate --models sft/model base/model:prompted base/model:raw answers.jsonl \
  --prompts prompts.jsonl --judge reward1/model --max-tokens 12 --batch 3 --precision bf16 \
  --json >first.json
"$PARLEY" --threads 1 eval winrate --models sft/model base/model:prompted base/model:raw \
  answers.jsonl --prompts prompts.jsonl --judge reward1/model --max-tokens 12 --batch 16 \
  --precision bf16 --json >second.json
cmp first.json second.json
# A model against itself: every answer a tie.
"$PARLEY" eval winrate --a answers.jsonl --b answers.jsonl --prompts prompts.jsonl \
  --judge reward1/model --json | grep -q '"ties":12,.*"win_rate":0.5'

"$PARLEY" eval bestofn --model sft/model --proxy reward1/model --gold reward2/model \
  --prompts prompts.jsonl --n 6 --max-tokens 12 >bestofn.jsonl
cat bestofn.jsonl
[ "$(wc -l <bestofn.jsonl)" = 6 ]
grep -q '^{"n":2,"kl":0.1931' bestofn.jsonl

"$PARLEY" plot --kl-curve bestofn.jsonl --out kl.svg >/dev/null
"$PARLEY" plot --bars report.json --out bars.svg >/dev/null
"$PARLEY" plot sft --out sft.svg >/dev/null
"$PARLEY" plot reward1 --out reward.png >/dev/null
grep -q '</svg>' kl.svg && grep -q '</svg>' bars.svg

# Mistakes are told from failures.
code=0
"$PARLEY" eval winrate --a sft/model --prompts prompts.jsonl --judge reward1/model 2>err || code=$?
[ $code = 2 ]
code=0
"$PARLEY" eval winrate --a sft/model --b base/model --prompts prompts.jsonl --judge sft/model 2>err || code=$?
[ $code = 1 ]
grep -q "parley reward" err

# An API that always prefers what stands first: every pair a tie.
command -v python3 >/dev/null || { echo "no python3: the API is not tried"; exit 0; }
# The preferences are those of parley reward score.
python3 - >to_score.jsonl <<'PYTHON'
import json
for c in json.load(open("report.json"))["comparisons"]:
    for answer in c["answers"]:
        print(json.dumps({"messages": c["messages"], "response": answer}))
PYTHON
"$PARLEY" reward score --model reward1/model --data to_score.jsonl >scores.jsonl
python3 - <<'PYTHON'
import json
report = json.load(open("report.json"))
names = [m["name"] for m in report["models"]]
pairs = [(names.index(p["a"]), names.index(p["b"])) for p in report["pairs"]]
scores = [json.loads(line)["score"] for line in open("scores.jsonl")]
for i, c in enumerate(report["comparisons"]):
    s = scores[i * len(names):(i + 1) * len(names)]
    for (a, b), preference in zip(pairs, c["preferences"]):
        # Batches of other shapes may round otherwise.
        assert abs(s[a] - s[b]) < 1e-4 or preference == (s[a] > s[b]), (i, a, b, s, preference)
PYTHON

cat >api.py <<'PYTHON'
import http.server, json
class Judge(http.server.BaseHTTPRequestHandler):
    calls = 0
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        Judge.calls += 1
        status = 429 if Judge.calls == 1 else 200
        body = json.dumps({"choices": [{"message": {"content": "So it is.\nVerdict: 1"}}]}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Judge)
open("port", "w").write("%d\n" % server.server_port)
server.serve_forever()
PYTHON
python3 api.py & api=$!
trap 'kill $api' EXIT
for _ in $(seq 100); do [ -s port ] && break; sleep 0.05; done
awk '{ sub(/"response":"/, "&x"); print }' answers.jsonl >others.jsonl
no_proxy=127.0.0.1 "$PARLEY" eval winrate --a answers.jsonl --b others.jsonl \
  --prompts prompts.jsonl --judge "http://127.0.0.1:$(cat port)/v1" --judge-model m --json >api.json
grep -q '"remarks":"12 pairs were judged differently.*"ties":12' api.json
