# A model nobody here trained: llama2.c's stories260K continues as llama2.c documents.
weights=${PARLEY_DATA:-$PARLEY_SOURCE_DIR/../shared/data}/weights/stories260K
if [ ! -e "$weights/model.bin" ]; then
  echo "skipped: no $weights/model.bin (set PARLEY_DATA)"
  exit 77
fi
"$PARLEY" import llama2c "$weights/model.bin" --tokenizer "$weights/tok512.bin" --out stories
"$PARLEY" generate --model stories --prompt "" --temperature 0 --max-tokens 60 >story
expected="Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball."
case $(cat story) in
  "$expected"*) ;;
  *) echo "got: $(cat story)"; exit 1 ;;
esac
# It would have written this itself, and scores it so.
echo "{\"text\": \"$expected\"}" | "$PARLEY" score --model stories | tee score
grep -q '"greedy":true' score
