// Conversations to look at: several days, branches, a long one, one of every mark.
import { answerTo } from "./answers";
import { makeId, newConversation, newMessage, type State } from "./api";

const kDay = 86_400_000;

export function seed(state: State): void {
  const now = Date.now();
  const add = (title: string, age: number, questions: string[]) => {
    const conversation = newConversation(title, { created: now - age, updated: now - age });
    let parent: string | null = null;
    questions.forEach((question, index) => {
      const user = newMessage(conversation.id, parent, "user", question);
      const answer = newMessage(conversation.id, user.id, "assistant", answerTo(question, 0));
      user.created = now - age + index * 60_000;
      answer.created = user.created + 2000;
      Object.assign(answer, { prompt_tokens: 120 + index * 90, answer_tokens: 180, first_token_ms: 210, total_ms: 3400 });
      conversation.messages.push(user, answer);
      parent = answer.id;
    });
    conversation.leaf = parent;
    state.conversations.set(conversation.id, conversation);
    return conversation;
  };

  const shown = add("How language models work", 3 * 60_000, [
    "How does a language model work?",
    "Show me how sampling works, in Python code.",
    "What is the formula of the loss?",
  ]);
  const last = shown.messages.at(-2)!;
  const other = newMessage(shown.id, last.id, "assistant", answerTo("table", 1));
  other.created = shown.messages.at(-1)!.created + 60_000;
  shown.messages.push(other);
  const memory = { id: makeId(), text: "The user writes C++ for a living.", enabled: true, created: now - kDay, updated: now - kDay, source: shown.id };
  state.memories.push(memory, {
    id: makeId(),
    text: "用户住在杭州。",
    enabled: true,
    created: now - 2 * kDay,
    updated: now - 2 * kDay,
    source: null,
  });
  const document = { id: makeId(), name: "lecture notes.pdf", bytes: 182_000, characters: 40_200, passages: 61, kind: "pdf" as const, created: now - kDay };
  state.documents.set(document.id, {
    ...document,
    text: "Attention lets each position gather information from the positions before it. The weights are a softmax over scaled products of queries and keys.",
  });

  const marks = add("语言模型是怎样工作的", 2 * 3_600_000, ["语言模型是怎样工作的？", "能比较一下 GPT-2 的几个型号吗？用表格"]);
  const [question, answer, , cut] = marks.messages;
  if (question && answer && cut) {
    question.documents = [{ id: document.id, name: document.name }];
    question.suggested_memory = "我住在杭州";
    answer.content += "\n\n注意力机制见讲义 [1]。";
    answer.citations = [{ number: 1, document: document.id, name: document.name, passage: 3, page: 12, text: state.documents.get(document.id)!.text }];
    answer.used_memories = [{ id: memory.id, text: memory.text }];
    cut.finish = "length";
  }

  const marked = add("Marks of all kinds", kDay + 3_600_000, ["First question, long ago", "A second question", "A third question with error"]);
  const [, , second, , third, failed] = marked.messages;
  if (second && third && failed) {
    marked.summaries = [{ before: third.id, text: "The user asked how language models work. The assistant explained tokens, embeddings and sampling.", tokens: 21 }];
    failed.status = "error";
    failed.content = failed.content.slice(0, 80);
    failed.error = "The model ran out of memory. Try a shorter conversation.";
    failed.dropped = 2;
    second.saved_memory = memory;
  }
  const stopped = add("An interrupted answer", kDay + 7_200_000, ["Explain attention."]);
  Object.assign(stopped.messages[1]!, { status: "interrupted", finish: null, content: stopped.messages[1]!.content.slice(0, 200) });

  const long = newConversation("A thousand turns", { created: now - 4 * kDay, updated: now - 4 * kDay });
  let parent: string | null = null;
  for (let turn = 0; turn < 1000; turn++) {
    const user = newMessage(long.id, parent, "user", `Question number ${turn + 1}: ${["what about code?", "and a table?", "tell me more"][turn % 3]}`);
    const reply = newMessage(long.id, user.id, "assistant", answerTo(user.content, turn));
    user.created = long.created + turn * 2000;
    reply.created = user.created + 1000;
    long.messages.push(user, reply);
    parent = reply.id;
  }
  long.leaf = parent;
  state.conversations.set(long.id, long);

  const titles = ["Weekend in Suzhou", "Regex for dates", "周报润色", "Bread with rye", "Explain RoPE", "给老师的邮件", "SQL joins", "A poem about rain", "面试准备", "Git rebase or merge"];
  for (let i = 0; i < 70; i++) add(titles[i % titles.length]!, (5 + i * 3) * kDay, [`${titles[i % titles.length]}?`]);

  state.presets.push(
    { id: makeId(), title: "Translate", system: "You are a careful translator.", template: "Translate into English:\n\n{{text}}", params: { temperature: 0.3 }, language: "en", builtin: true },
    { id: makeId(), title: "翻译", system: "你是一位严谨的译者。", template: "请把下面的内容翻译成中文：\n\n{{text}}", params: { temperature: 0.3 }, language: "zh", builtin: true },
    { id: makeId(), title: "Improve my writing", system: "", template: "Improve this text and keep its meaning:\n\n{{text}}", params: {}, language: "en", builtin: true },
    { id: makeId(), title: "总结", system: "", template: "请用三句话总结：\n\n{{text}}", params: {}, language: "zh", builtin: true },
    { id: makeId(), title: "Code reviewer", system: "You review code like a patient senior engineer.", template: "", params: {}, language: "en", builtin: false },
  );
}
