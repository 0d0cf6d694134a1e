"""Writes the tokenizer's golden files: ids as tiktoken, Hugging Face's tokenizers and
SentencePiece give them.

    python tools/oracle/tokenizer_golden.py --ranks DIR

DIR holds r50k_base.tiktoken, p50k_base.tiktoken and cl100k_base.tiktoken. The others need
only files in tests/golden: tokenizer_corpus.txt, and tokenizer_small/, which
`parley tokenizer train --data tests/golden/tokenizer_corpus.txt --vocab-size 560
--out tests/golden/tokenizer_small` made. Versions are recorded in the output.
"""

import argparse
import base64
import json
import pathlib
import random
import tempfile

import sentencepiece
import tiktoken
import tiktoken_ext.openai_public as published
import tokenizers
import transformers
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, trainers

from tokenizer_texts import broken_utf8, texts

GOLDEN = pathlib.Path(__file__).parents[2] / "tests" / "golden"
CORPUS = GOLDEN / "tokenizer_corpus.txt"
QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPACE_MARK = "\u2581"


def tiktoken_encodings(ranks):
    def load(name):
        lines = (ranks / f"{name}.tiktoken").read_bytes().splitlines()
        return {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, lines)}

    published.load_tiktoken_bpe = lambda url, **_: load(url.split("/")[-1].split(".")[0])
    names = ["r50k_base", "p50k_base", "cl100k_base"]
    encodings = {n: tiktoken.Encoding(**published.ENCODING_CONSTRUCTORS[n]()) for n in names}
    # o200k's ranks are large; its split pattern shows with cl100k's ranks as well.
    published.load_tiktoken_bpe = lambda url, **_: {}
    o200k = published.o200k_base()
    o200k["mergeable_ranks"] = load("cl100k_base")
    encodings["o200k_split"] = tiktoken.Encoding(**o200k)
    return encodings


def tiktoken_cases(ranks):
    encodings = tiktoken_encodings(ranks)
    inputs = [text.encode() for text in texts(random.Random(1))] + broken_utf8(random.Random(2))
    return [
        {"bytes": base64.b64encode(data).decode()}
        | {name: encoding._encode_bytes(data) for name, encoding in encodings.items()}
        for data in inputs
    ]


def cases(encode, name):
    """Texts without what a tokenizer is known to lose."""
    return [{"text": t, "ids": encode(t)} for t in texts(random.Random(name)) if "<|" not in t]


def small():
    tokenizer = transformers.AutoTokenizer.from_pretrained(GOLDEN / "tokenizer_small")
    messages = [
        {"role": "system", "content": "You are a helpful tokenizer."},
        {"role": "user", "content": "你好! How many tokens is 'text'?\n"},
        {"role": "assistant", "content": "  One.\n\n"},
        {"role": "user", "content": ""},
    ]
    special = "<|im_start|>user\nHi<|im_end|>\n<|endoftext|><|fim_prefix|>a<|pad|> <|im_start"
    return {
        "cases": cases(lambda t: tokenizer.encode(t), "small"),
        "special": {"text": special, "ids": tokenizer.encode(special)},
        "chat": {
            "messages": messages,
            "ids": tokenizer.apply_chat_template(messages, return_dict=False),
            "prompt_ids": tokenizer.apply_chat_template(
                messages, add_generation_prompt=True, return_dict=False
            ),
        },
    }


def train(tokenizer, **options):
    """Trains with the merges spelled as this version of the library writes them."""
    trainer = trainers.BpeTrainer(show_progress=False, **options)
    tokenizer.train([str(CORPUS)], trainer)
    return tokenizer


def write_tokenizer(tokenizer, name):
    (GOLDEN / f"tokenizer_{name}.json").write_text(tokenizer.to_str(pretty=False) + "\n")
    return cases(lambda t: tokenizer.encode(t, add_special_tokens=False).ids, name)


def hf_qwen2():
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN2), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    train(tokenizer, vocab_size=500, initial_alphabet=alphabet)
    tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    return write_tokenizer(tokenizer, "hf_qwen2")


def hf_other():
    """A split no scanner was written for, in several steps, like DeepSeek's."""
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\p{N}{1,3}"), behavior="isolated"),
            pre_tokenizers.Split(Regex("[一-龥぀-ゟ゠-ヿ]+"), behavior="isolated"),
            pre_tokenizers.Split(Regex(r"[A-Za-z]+|[^\S\r\n]+| ?\p{P}+[\r\n]*"), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    train(tokenizer, vocab_size=400, initial_alphabet=alphabet)
    return write_tokenizer(tokenizer, "hf_other")


def sentencepiece_model():
    """SentencePiece's own ids, and the text form of its vocabulary."""
    with tempfile.TemporaryDirectory() as folder:
        prefix = f"{folder}/sp"
        sentencepiece.SentencePieceTrainer.train(
            input=str(CORPUS), model_prefix=prefix, vocab_size=500, model_type="bpe",
            byte_fallback=True, character_coverage=0.98, split_digits=True,
            normalization_rule_name="identity", remove_extra_whitespaces=False,
            allow_whitespace_only_pieces=True, minloglevel=2,
        )
        processor = sentencepiece.SentencePieceProcessor(model_file=f"{prefix}.model")
        (GOLDEN / "tokenizer_sp.vocab").write_bytes(pathlib.Path(f"{prefix}.vocab").read_bytes())
    return processor


def hf_llama2(processor):
    """The same vocabulary as tokenizer.json, the way Llama-2's was converted."""
    pieces = [processor.id_to_piece(i) for i in range(processor.get_piece_size())]
    vocab = {piece: i for i, piece in enumerate(pieces)}
    merges = []
    for piece, rank in vocab.items():
        for cut in range(1, len(piece)):
            if piece[:cut] in vocab and piece[cut:] in vocab:
                merges.append((rank, (piece[:cut], piece[cut:])))
    merges = [pair for _, pair in sorted(merges, key=lambda merge: merge[0])]
    model = models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend(SPACE_MARK), normalizers.Replace(" ", SPACE_MARK)]
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(SPACE_MARK, " "), decoders.ByteFallback(), decoders.Fuse(),
         decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    return write_tokenizer(tokenizer, "hf_llama2")


def write(name, content):
    content = {"versions": VERSIONS} | content
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":")).replace('},{"', '},\n{"')
    (GOLDEN / name).write_text(text + "\n")


VERSIONS = {
    module.__name__: module.__version__
    for module in (tiktoken, tokenizers, transformers, sentencepiece)
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ranks", type=pathlib.Path, required=True)
    ranks = parser.parse_args().ranks
    processor = sentencepiece_model()
    write("tokenizer_tiktoken.json", {"cases": tiktoken_cases(ranks)})
    write("tokenizer_ids.json", {
        "small": small(),
        "hf_qwen2": hf_qwen2(),
        "hf_other": hf_other(),
        "hf_llama2": hf_llama2(processor),
        "sp": cases(processor.encode, "sp"),
    })
