// What is in the pictures. Answers in imported chats are made up; those to kAsked are the bundled model's own.
export const kAsked = {
  en: ["Hi, I am Ada.", "Tell me a joke.", "Do you remember my name?", "Thank you!"],
  zh: ["你好，我叫小雨。", "讲个笑话", "你还记得我叫什么名字吗？", "谢谢"],
};

export const kChats = {
  en: [
    { title: "Rice for six", turns: ["How much rice for six people?", "About 450 g: 75 g each."] },
    { title: "A poem about rain", turns: ["A short poem about rain", "Rain writes on the window\nand never reads it again."] },
    { title: "Trip to Porto", turns: ["Two days in Porto: what to see?", "The bridge, the river, and a bakery between them."] },
    {
      title: "Longest word",
      turns: [
        "Write a Python function that finds the longest word in a text.",
        'Split the text at whatever is no letter, and let `max` compare the lengths:\n\n```python\nimport re\n\ndef longest_word(text: str) -> str:\n    words = re.findall(r"\\w+", text)\n    return max(words, key=len, default="")\n\nprint(longest_word("A fox sees a hedgehog"))  # hedgehog\n```\n\n| text | result |\n|---|---|\n| `"to be or not"` | `not` |\n| `""` | the empty text |\n\nIt looks at each word once, so the time is $O(n)$.',
      ],
    },
  ],
  zh: [
    { title: "六个人的米饭", turns: ["六个人煮多少米？", "大约 450 克，每人 75 克。"] },
    { title: "关于雨的诗", turns: ["写一首关于雨的短诗", "雨在窗上写字，\n写完就忘了。"] },
    { title: "波尔图两日游", turns: ["在波尔图玩两天，看什么？", "大桥、河岸，还有路边的面包店。"] },
    {
      title: "最长的单词",
      turns: [
        "写一个 Python 函数，找出一段文字中最长的单词。",
        '先按非字母字符切分，再用 `max` 比较长度：\n\n```python\nimport re\n\ndef longest_word(text: str) -> str:\n    words = re.findall(r"\\w+", text)\n    return max(words, key=len, default="")\n\nprint(longest_word("A fox sees a hedgehog"))  # hedgehog\n```\n\n| 文字 | 结果 |\n|---|---|\n| `"to be or not"` | `not` |\n| `""` | 空字符串 |\n\n每个单词只看一次，所以时间是 $O(n)$。',
      ],
    },
  ],
};

export const kMemories = ["我住在上海", "我对花生过敏", "我用 C++ 工作", "我喜欢简短的回答"];

// Curves as a run writes them, with some noise.
export function metrics(steps: number, start: number, end: number): string {
  let state = 7;
  const noise = () => (state = (state * 16807) % 2147483647) / 2147483647 - 0.5;
  let text = "";
  for (let step = 1; step <= steps; ++step) {
    const loss = end + (start - end) * Math.exp((-4 * step) / steps) + noise() * 0.12;
    text += `${JSON.stringify({
      step,
      tokens: step * 16384,
      time: step * 3.1,
      loss,
      ...(step % 25 ? {} : { val_loss: loss + 0.05 }),
      lr: 0.0006 * Math.min(1, step / 40) * (0.55 + 0.45 * Math.cos((Math.PI * step) / steps)),
      grad_norm: 0.8 + 2 * Math.exp((-6 * step) / steps) + noise() * 0.2,
      tokens_per_s: 5200 + noise() * 300,
    })}\n`;
  }
  return text;
}
