# Model directories through import and export: the same bytes come out, and what is wrong with a
# directory is said.
golden=$PARLEY_SOURCE_DIR/tests/golden

for name in gpt2 openai_gpt gpt3 llama llama_tied qwen2 qwen3; do
  "$PARLEY" import hf "$golden/hf_$name" --out "$name"
  cmp "$golden/hf_$name/model.safetensors" "$name/model.safetensors"
  # In pieces and back.
  "$PARLEY" export hf --model "$name" --out pieces --max-shard-bytes 20kB
  [ ! -e pieces/model.safetensors ]
  "$PARLEY" export hf --model pieces --out whole
  cmp "$name/model.safetensors" whole/model.safetensors
  cmp "$name/config.json" whole/config.json
done

# Rounded once, rounding changes nothing more; export may rewrite a directory in place.
"$PARLEY" export hf --model qwen3 --out half --dtype bf16
cp half/model.safetensors once
"$PARLEY" export hf --model half --out half --dtype f32
"$PARLEY" --json export hf --model half --out half --dtype bf16 | grep -q '"dtype":"bf16"'
cmp half/model.safetensors once

# refused WORDS COMMAND...: the command fails with these words and leaves no directory.
refused() {
  local words=$1 status=0
  shift
  "$PARLEY" "$@" --out refused >log 2>&1 || status=$?
  if [ "$status" -ne 1 ] || ! grep -q "$words" log || [ -e refused/config.json ]; then
    echo "parley $* ended with $status, expected 1 and '$words':"
    cat log
    exit 1
  fi
}
mkdir broken
head -c 60000 gpt2/model.safetensors >broken/model.safetensors
refused "config.json: not there" import hf broken
cp gpt2/config.json broken
refused "truncated" import hf broken
cp llama/config.json broken
cp gpt2/model.safetensors broken
refused "model.embed_tokens.weight.* is missing" import hf broken
refused "no such model directory" export hf --model nowhere
