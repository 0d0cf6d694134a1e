// From feedback to a better model: the commands of docs/feedback_loop.md.
export const kSteps = [
  { title: "step1", text: "step1Text", command: "parley feedback export --out feedback" },
  {
    title: "step2",
    text: "step2Text",
    command: "parley sft --model MODEL --data feedback/sft.jsonl --out runs/feedback-sft",
  },
  {
    title: "step3",
    text: "step3Text",
    command: "parley dpo --model MODEL --data feedback/preferences.jsonl --out runs/feedback-dpo",
  },
  {
    title: "step4",
    text: "step4Text",
    command: `parley reward --model MODEL --data feedback/preferences.jsonl --out runs/feedback-reward
parley ppo --model MODEL --reward model:runs/feedback-reward/model \\
           --prompts feedback/prompts.jsonl --out runs/feedback-ppo`,
  },
  {
    title: "step5",
    text: "step5Text",
    command: `parley eval winrate --a runs/feedback-dpo/model --b MODEL \\
           --prompts held_out.jsonl --judge runs/feedback-reward/model \\
           --out runs/feedback-dpo/winrate.json
parley serve --model runs/feedback-dpo/model --runs runs`,
  },
] as const;
