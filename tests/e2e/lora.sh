# An adapter trained by parley sft: the merged model of the run is what export makes of base and
# adapter, and a run that is killed and resumed ends in the same.
awk 'BEGIN { for (i = 0; i < 40; ++i) {
  printf "{\"text\":\"the fox %d sees the river %d and runs\"}\n", i, i * 7 % 40 >"text.jsonl"
  printf "{\"messages\":[{\"role\":\"user\",\"content\":\"fox %d?\"},{\"role\":\"assistant\",\"content\":\"river %d。\"}]}\n",
         i, i * 7 % 40 >"chats.jsonl" } }'
cat >tiny.json <<'JSON'
{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": 400,
 "n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 2, "activation_function": "gelu_new",
 "layer_norm_epsilon": 1e-05, "tie_word_embeddings": true}
JSON
"$PARLEY" pretrain --data text.jsonl --preset tiny.json --vocab-size 400 --seq 64 --batch 4 \
  --steps 10 --cache cache --out base 2>base.log
cp -r base/model base-before

begin() {
  "$PARLEY" --threads 1 sft --model base/model --data chats.jsonl --batch 8 --steps 60 --val-every 20 \
    --checkpoint-every 10 --sample-tokens 8 --lora-rank 4 --lora-targets c_attn,mlp.c_proj --out "$1" 2>"$1.log"
}
begin whole
diff -r base/model base-before
"$PARLEY" export hf --model base/model --adapter whole/adapter --out merged 2>export.log
cmp merged/model.safetensors whole/model/model.safetensors
cmp base/model/model.safetensors whole/model/model.safetensors && exit 1
grep -q '"fan_in_fan_out": true' whole/adapter/adapter_config.json
grep -q '<|im_end|>' whole/model/tokenizer_config.json

begin broken & pid=$!
until [ "$(cat broken/metrics.jsonl 2>/dev/null | wc -l)" -ge 25 ] || ! kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
kill -9 "$pid" 2>/dev/null || true
wait "$pid" 2>/dev/null || true
"$PARLEY" --threads 1 sft --resume --out broken 2>>broken.log
cmp whole/model/model.safetensors broken/model/model.safetensors

set +e
"$PARLEY" sft --model base/model --data chats.jsonl --lora-alpha 4 --out other 2>/dev/null; [ $? = 2 ] || exit 1
"$PARLEY" sft --model base/model --data chats.jsonl --lora-rank 4 --lora-targets q_proj --out other 2>other.log
[ $? = 1 ] || exit 1
"$PARLEY" export hf --model base/model --adapter base/model --out other 2>other2.log; [ $? = 1 ] || exit 1
set -e
grep -q 'c_attn, c_proj, c_fc' other.log
grep -q 'not a LoRA adapter' other2.log
