# generate, score and chat, as a user runs them, with a model made on the spot.
fail() { echo "FAILED: $*" >&2; exit 1; }
# expect_code CODE PATTERN COMMAND...: its exit code, and what it says on stderr.
expect_code() {
  local code=0 wanted=$1 pattern=$2
  shift 2
  "$@" >out 2>err </dev/null || code=$?
  [ "$code" = "$wanted" ] || { cat err >&2; fail "exit code $code instead of $wanted: $*"; }
  grep -q -- "$pattern" err out || { cat err >&2; fail "no '$pattern': $*"; }
}
# field NAME: of the JSON objects on stdin.
field() { grep -o "\"$1\":[^,}]*" | cut -d: -f2-; }

for i in $(seq 200); do printf 'The fox %d jumps over the dog. 狐狸跳过狗。\n\n' "$i"; done >text.txt
"$PARLEY" pretrain --data text.txt --out run --vocab-size 300 --seq 64 --batch 1 --grad-accum 1 \
  --steps 2 --fim-rate 0.5 --cache cache 2>pretrain.log || { cat pretrain.log >&2; fail pretrain; }
model=run/model
generate() { "$PARLEY" generate --model $model "$@"; }
score() { "$PARLEY" score --model $model "$@" 2>err; }

# --- generate
generate --prompt "The fox" --max-tokens 8 --seed 1 >a
generate --prompt "The fox" --max-tokens 8 --seed 1 >b
cmp a b || fail "one seed, two answers"
printf 'The fox\n' | generate --max-tokens 8 --seed 1 >b
cmp a b || fail "standard input is not --prompt"
printf 'The fox' >prompt.txt
generate --prompt-file prompt.txt --max-tokens 8 --seed 1 --json >j
[ "$(field seed <j)" = 1 ] && [ "$(field completion_tokens <j)" = 8 ] || fail "json: $(cat j)"
[ "$(field finish_reason <j)" = '"length"' ] || fail "json: $(cat j)"
generate --prompt "" --max-tokens 4 --temperature 0 >/dev/null || fail "an empty prompt"
generate --prompt "[84, 104, 101]" --ids --max-tokens 3 --json | grep -q '"prompt_tokens":3' || fail ids
generate --prompt "The" --suffix " dog." --max-tokens 3 >/dev/null || fail suffix
generate --prompt "<|im_end|>" --max-tokens 1 --json | grep -qv '"prompt_tokens":1,' || fail "special token injected"
generate --prompt "<|im_end|>" --special --max-tokens 1 --json | grep -q '"prompt_tokens":1,' || fail special

# A batch gives what each prompt gives alone, in order.
printf '{"prompt": "The fox"}\n{"prompt": "狐狸跳过"}\n{"prompt": [84]}\n' >prompts.jsonl
generate --prompts-file prompts.jsonl --temperature 0 --max-tokens 12 | field ids >together
for prompt in "The fox" "狐狸跳过" "T"; do
  generate --prompt "$prompt" --temperature 0 --max-tokens 12 --json | field ids
done >alone
cmp together alone || fail "the batch changes the answers"
[ "$(generate --prompt a --n 5 --max-tokens 2 | wc -l)" = 5 ] || fail "--n 5"

# The stop string is found wherever tokens end, and not shown.
whole=$(generate --prompt "The" --temperature 0 --max-tokens 20 --logit-bias 84=100 2>/dev/null)
[ "$whole" = "tttttttttttttttttttt" ] || [ "$whole" = "TTTTTTTTTTTTTTTTTTTT" ] || fail "bias: '$whole'"
stop=${whole:0:3}
[ -z "$(generate --prompt "The" --temperature 0 --max-tokens 20 --logit-bias 84=100 --stop "$stop")" ] || fail stop

# A reader that leaves ends it without a word.
code=0
{ generate --prompt a --max-tokens 60 --ignore-eos 2>err || code=$?; echo $code >code; } | head -c 1 >/dev/null
[ ! -s err ] || fail "a closed pipe: $(cat err)"

# --- mistakes
expect_code 2 required "$PARLEY" generate
expect_code 1 "no such model" "$PARLEY" generate --model nowhere --prompt a
expect_code 2 temperature "$PARLEY" generate --model $model --prompt a --temperature -1
expect_code 2 ID=VALUE "$PARLEY" generate --model $model --prompt a --logit-bias x
expect_code 2 vocabulary "$PARLEY" generate --model $model --prompt a --logit-bias 99999=1
expect_code 2 "stop string is empty" "$PARLEY" generate --model $model --prompt a --stop ""
expect_code 1 "JSON array" "$PARLEY" generate --model $model --prompt '{}' --ids
expect_code 1 vocabulary "$PARLEY" generate --model $model --prompt '[99999]' --ids
printf '{"prompt": "a"}\n{"text": "a"}\n' >bad.jsonl
expect_code 1 "bad.jsonl:2" "$PARLEY" generate --model $model --prompts-file bad.jsonl
printf 'word %.0s' $(seq 200) >long.txt
expect_code 1 truncate "$PARLEY" generate --model $model --prompt-file long.txt
expect_code 0 "are used" "$PARLEY" generate --model $model --prompt-file long.txt --truncate --max-tokens 5
for command in generate score chat; do expect_code 0 Examples "$PARLEY" $command --help; done

# --- score: it agrees with generate about the most probable continuation
generate --prompt "The fox" --temperature 0 --max-tokens 1 --json >j
text=$(field text <j)
printf '{"context": "The fox", "continuation": %s}\n' "$text" >pairs.jsonl
case $text in
  *\\*|*$'\xEF\xBF\xBD'*) ;;  # half a character: its text does not give the token back
  *) score --data pairs.jsonl >s || fail "score: $(cat err)"
     [ "$(field greedy <s)" = true ] || fail "greedy: $(cat j s)" ;;
esac
printf '{"context": "The fox ", "continuation": "jumps"}\n{"context": "The fox", "continuation": " jumps"}\n' | score >s
[ "$(field logprob <s | sort -u | wc -l)" = 1 ] || fail "spaces at the context's end: $(cat s)"
[ "$(field bytes <s | tr '\n' ' ')" = "5 6 " ] || fail "bytes: $(cat s)"
printf '{"text": "The fox jumps."}\n{"context": "", "continuation": "The fox jumps."}\n' | score >s
[ "$(sort -u s | wc -l)" = 1 ] || fail "a text is a continuation of nothing: $(cat s)"
printf '{"context": "%s", "continuation": " dog"}\n' "$(cat long.txt)" | score >s
grep -q "1 of 1 records" err || fail "truncation is not counted: $(cat err)"
printf '{"context": "a"}\n' >bad.jsonl
expect_code 1 "bad.jsonl:1" "$PARLEY" score --model $model --data bad.jsonl
printf '{"text": "a"}\n{"text": \n' >bad.jsonl
expect_code 1 "bad.jsonl:2" "$PARLEY" score --model $model --data bad.jsonl
# A text longer than the context is scored whole, in windows.
printf '{"text": "%s"}\n' "$(cat long.txt)" | score >s || fail "a long text: $(cat err)"
[ "$(field bytes <s)" = "$(wc -c <long.txt)" ] && [ "$(field tokens <s)" -gt 64 ] || fail "a long text: $(cat s)"
expect_code 1 "shorten" "$PARLEY" score --model $model --no-truncate --data <(printf '{"text": "%s"}\n' "$(cat long.txt)")

# --- chat, with messages from a pipe
printf 'Hello\n\n/system Be brief.\nAnd\\\nmore\n/save talk.json\n/exit\nnever said\n' |
  "$PARLEY" chat --model $model --max-tokens 5 --seed 1 --format chatml --json >c 2>err || fail "chat: $(cat err)"
[ "$(wc -l <c)" = 2 ] || fail "two messages, $(wc -l <c) answers"
[ "$(field role <talk.json | tr -d '\n')" = '"system""user""assistant""user""assistant"' ] || fail "$(cat talk.json)"
grep -q 'And\\nmore' talk.json || fail "a continued line: $(cat talk.json)"
printf 'Hi\n' | "$PARLEY" chat --model $model --max-tokens 5 --load talk.json >c 2>err || fail "chat --load"
printf 'Hi\n' | LC_ALL=zh_CN.UTF-8 "$PARLEY" chat --model $model --max-tokens 5 >c 2>err
grep -q 续写 err || fail "no Chinese: $(cat err)"
printf 'Hi\n/temperature x\n' >in
code=0
"$PARLEY" chat --model $model --max-tokens 5 <in >c 2>err || code=$?
[ $code = 1 ] || fail "a wrong command in a pipe"
