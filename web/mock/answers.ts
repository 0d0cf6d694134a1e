// What the mock answers. Words in the question choose: "code", "math", "table", "long", "error", "html".
const kEnglish = `Good question. Here is a short overview.

**The idea.** A language model reads a text token by token and says, for each possible next token, how likely it is. Training
moves these numbers towards what really follows.

1. **Tokenise** the text into ids.
2. **Embed** each id, and run the blocks.
3. **Sample** the next token, and go on.

> A model that predicts well has to know a lot about what it reads.

Would you like to see one of the steps in code?`;

const kChinese = `好的，下面简单说明一下。

**核心思想：** 语言模型逐个读取词元（token），并预测下一个词元的概率。训练就是让这些概率接近真实文本。

1. **分词**：把文本变成编号。
2. **嵌入**：把编号变成向量，再经过若干层计算。
3. **采样**：选出下一个词元，如此往复。

> 预测得好，就必须理解得深。

需要我用代码演示其中一步吗？`;

const kCode = `Sampling with a temperature takes a few lines:

\`\`\`python
import math, random

def sample(logits, temperature=1.0):
    """Draws an index; a temperature of 0 takes the best."""
    if temperature == 0:
        return max(range(len(logits)), key=lambda i: logits[i])
    top = max(logits)
    weights = [math.exp((x - top) / temperature) for x in logits]
    return random.choices(range(len(logits)), weights)[0]
\`\`\`

Use \`temperature=0\` for answers that are always the same.`;

const kMath = `The loss of one position is the negative log-probability of what follows:

$$
\\mathcal{L}_t = -\\log p_\\theta(x_{t+1} \\mid x_1, \\dots, x_t) = -z_{x_{t+1}} + \\log \\sum_{v=1}^{V} e^{z_v}
$$

Its gradient with respect to the logits is \\(p - y\\), where $y$ is the one-hot target. A model that knows nothing has a loss
of $\\ln V$; with $V = 50{,}257$ that is about 10.8. It costs $5 to $10 to try.`;

const kTable = `Here is a comparison:

| Model | Layers | Width | Parameters |
|---|---:|---:|---:|
| GPT-2 small | 12 | 768 | 124 M |
| GPT-2 medium | 24 | 1,024 | 355 M |
| GPT-2 large | 36 | 1,280 | 774 M |
| GPT-2 XL | 48 | 1,600 | 1.5 B |

- [x] All four share one vocabulary
- [ ] None of them was tuned to follow instructions`;

const kHtml = `Text that must stay text: <script>alert(1)</script> <img src=x onerror=alert(1)>

[a link that runs](javascript:alert(1)) and [a good one](https://example.com/) and ![a picture](https://example.com/spy.png)`;

export function answerTo(question: string, variant: number): string {
  const asked = question.toLowerCase();
  if (/html|script/.test(asked)) return kHtml;
  if (/long|长/.test(asked))
    return Array.from({ length: 60 }, (_, i) => `### Part ${i + 1}\n\n${i % 3 === 1 ? kCode : kEnglish}`).join("\n\n");
  if (/code|python|代码/.test(asked)) return kCode;
  if (/math|loss|formula|公式/.test(asked)) return kMath;
  if (/table|compare|表格/.test(asked)) return kTable;
  if (/\p{Script=Han}/u.test(question)) return variant % 2 ? `简单来说:\n\n${kChinese}` : kChinese;
  return variant % 2 ? `In short: it predicts the next token, again and again.\n\n${kCode}` : kEnglish;
}
