# A tiny chat model for tests of servers, in sft/model: it has learnt texts that hardly end, and of chats no more than their
# form. Sourced in an empty folder, with the program's path in $PARLEY and the context it shall claim in $context.
awk 'BEGIN {
  srand(5)
  split("fox dog tree hill river bird sees likes 狐狸 大树 看见 喜欢", word)
  for (d = 0; d < 3; ++d) {
    text = ""
    for (i = 0; i < 3000; ++i) text = text word[1 + int(rand() * 12)] " "
    printf "{\"text\":\"%s\"}\n", text >"text.jsonl"
    printf "{\"messages\":[{\"role\":\"user\",\"content\":\"%s?\"},{\"role\":\"assistant\",\"content\":\"%s.\"}]}\n",
           word[1 + d % 12], word[1 + d % 7] >"chats.jsonl"
  }
}'
cat >tiny.json <<'JSON'
{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 400,
 "max_position_embeddings": 128, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
 "num_attention_heads": 4, "num_key_value_heads": 4, "rms_norm_eps": 1e-05, "rope_theta": 10000,
 "tie_word_embeddings": true, "hidden_act": "silu"}
JSON
export XDG_CACHE_HOME=$PWD/cache OMP_WAIT_POLICY=passive
"$PARLEY" pretrain --data text.jsonl --preset tiny.json --vocab-size 400 --seq 128 --batch 2 --grad-accum 1 \
  --steps 60 --lr 3e-3 --optimizer adamw --val-every 60 --sample-every 60 --checkpoint-every 60 --out base 2>base.log
"$PARLEY" sft --model base/model --data chats.jsonl --batch 1 --steps 1 --lr 1e-7 --sample-tokens 1 --out sft 2>sft.log
sed -i "s/\"max_position_embeddings\": *128/\"max_position_embeddings\": $context/" sft/model/config.json
