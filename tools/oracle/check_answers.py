"""Does transformers give the same greedy answers from a model directory as parley does?

    python tools/oracle/check_answers.py DIR [PARLEY]

Asks the questions below, in English and Chinese, with a system message and over two turns, through the
directory's own chat template; PARLEY is the program (default: build/parley). Exits 1 at the first answer
that differs.
"""

import json
import pathlib
import subprocess
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

TOKENS = 48
TOP = pathlib.Path(__file__).parents[2]


def user(text):
    return {"role": "user", "content": text}


CONVERSATIONS = [
    [user("Hello!")],
    [user("你好！")],
    [user("Who are you?")],
    [user("Name three fruits.")],
    [user("写一个关于小猫的短故事。")],
    [{"role": "system", "content": "You are Nova, a travel guide."}, user("What is your name?")],
    [user("My name is Odette."), {"role": "assistant", "content": "Nice to meet you, Odette!"},
     user("What is my name?")],
]


def ours(program, directory, ids):
    command = [program, "generate", "--model", directory, "--ids", "--prompt", json.dumps(ids), "--temperature", "0",
               "--max-tokens", str(TOKENS), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@torch.no_grad()
def theirs(model, ids):
    answer = model.generate(torch.tensor([ids]), max_new_tokens=TOKENS, do_sample=False)[0, len(ids):].tolist()
    end = model.generation_config.eos_token_id
    ends = set(end if isinstance(end, list) else [end])
    while answer and answer[-1] in ends:
        answer.pop()
    return answer


def main():
    directory = sys.argv[1]
    program = sys.argv[2] if len(sys.argv) > 2 else str(TOP / "build/parley")
    tokenizer = AutoTokenizer.from_pretrained(directory)
    model = AutoModelForCausalLM.from_pretrained(directory).float().eval()
    for messages in CONVERSATIONS:
        ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
        expected = tokenizer.decode(theirs(model, ids), skip_special_tokens=True)
        text = ours(program, directory, ids)["text"]
        print(f"{messages[-1]['content']!r}: {text!r}")
        if text.strip() != expected.strip():
            sys.exit(f"transformers answers {expected!r}")
    print(f"{len(CONVERSATIONS)} answers are the same")


if __name__ == "__main__":
    main()
