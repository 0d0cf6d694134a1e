# A model made on the spot, quantised: every format runs, by itself and on load, to the same
# bits, and scores a text nearly as f32 does.
fail() { echo "FAILED: $*" >&2; exit 1; }
# refused CODE WORDS COMMAND...: fails with this code and these words, and leaves no directory.
refused() {
  local wanted=$1 words=$2 status=0
  shift 2
  "$PARLEY" "$@" >log 2>&1 || status=$?
  [ "$status" = "$wanted" ] || { cat log >&2; fail "exit code $status instead of $wanted: $*"; }
  grep -q -- "$words" log || { cat log >&2; fail "no '$words': $*"; }
  [ ! -e refused ] || fail "a directory is left: $*"
}
field() { grep -o "\"$1\":[^,}]*" | cut -d: -f2-; }

for i in $(seq 200); do printf 'The fox %d jumps over the dog. 狐狸跳过狗。\n\n' "$i"; done >text.txt
"$PARLEY" pretrain --data text.txt --out run --vocab-size 300 --seq 64 --batch 4 --grad-accum 1 \
  --steps 8 --cache cache 2>pretrain.log || { cat pretrain.log >&2; fail pretrain; }
model=run/model

size() { stat -c %s "$1/model.safetensors"; }
bpb() { "$PARLEY" eval bpb --data text.txt --json "$@" 2>/dev/null | field bpb; }
exact=$(bpb --model $model)
# within A B SHARE
within() { awk -v a="$1" -v b="$2" -v s="$3" 'BEGIN { d = a / b - 1; exit !(d < s && d > -s) }'; }

echo '{"context": "The fox", "continuation": " jumps over the dog."}' >pair.jsonl
for how in "bf16 0.005 0.60" "int8 0.005 0.35" "int4 0.05 0.30"; do
  read -r precision tolerance share <<<"$how"
  "$PARLEY" quantize $model "$precision" --precision "$precision" 2>log | grep -q " became " ||
    { cat log >&2; fail "quantize $precision"; }
  awk -v a="$(size "$precision")" -v b="$(size $model)" -v s="$share" 'BEGIN { exit !(a < s * b) }' ||
    fail "$precision takes $(size "$precision") of $(size $model) bytes"

  # By itself, and from f32 on load.
  for kv in "" "--kv f32"; do
    "$PARLEY" generate --model "$precision" --prompt "The fox" --max-tokens 20 --seed 1 $kv >a
    "$PARLEY" generate --model $model --precision "$precision" --prompt "The fox" --max-tokens 20 \
      --seed 1 $kv >b
    cmp a b || fail "$precision: another text than on load"
    "$PARLEY" score --model "$precision" --data pair.jsonl $kv >a 2>log
    "$PARLEY" score --model $model --precision "$precision" --data pair.jsonl $kv >b 2>log
    cmp a b || fail "$precision: another score than on load"
  done
  "$PARLEY" score --model $model --data pair.jsonl >b 2>log
  within "$(field logprob <a)" "$(field logprob <b)" 0.1 || fail "$precision: $(cat a b)"
  within "$(bpb --model "$precision")" "$exact" "$tolerance" ||
    fail "$precision: $(bpb --model "$precision") bits per byte, in f32 $exact"
  # As f32: dequantised.
  within "$(bpb --model "$precision" --precision f32)" "$exact" "$tolerance" || fail "dequantised"
done
# f32 through the cache is f32.
within "$(bpb --model $model --kv f32)" "$exact" 0.00001 || fail "f32 through the engine"

# An ordinary directory again; groups; JSON.
"$PARLEY" export hf --model int8 --out again 2>log
if grep -q quantization_config again/config.json; then fail "exported as quantised"; fi
"$PARLEY" --json quantize $model wide --precision int4 --group 64 --check text.txt 2>log >json
grep -q '"group":64' json && grep -q '"perplexity"' json || fail "json: $(cat json)"
[ "$(size wide)" -lt "$(size int4)" ] || fail "groups of 64 are no smaller"
printf 'Hello\n' | "$PARLEY" chat --model int4 --max-tokens 4 >/dev/null 2>log || fail chat

refused 2 "not in" quantize $model refused --precision int5
refused 2 "not in" quantize $model refused --precision int4 --group 48
refused 2 "required" quantize $model refused
refused 1 "no such model directory" quantize nowhere refused --precision int8
refused 1 "is int8 already" quantize int8 refused --precision int4
refused 1 "is there already" quantize $model int4 --precision int4
