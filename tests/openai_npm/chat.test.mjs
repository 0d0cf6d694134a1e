import assert from 'node:assert/strict';
import { forEachSdk, model, test, tokenize, url } from './clients.mjs';

const user = (content) => ({ role: 'user', content });
const MESSAGES = [{ role: 'system', content: 'You are 友好的.' }, user('hello fox?')];

forEachSdk('chat', ({ client, chat, OpenAI }) => {
  const create = (body) => client.chat.completions.create({ model, max_tokens: 12, messages: MESSAGES, ...body });
  const collect = async (body) => {
    const chunks = [];
    for await (const chunk of await create({ ...body, stream: true })) chunks.push(chunk);
    return chunks;
  };

  test('an answer', async () => {
    const reply = await create({ seed: 1 });
    assert.match(reply.id, /^chatcmpl-/);
    const [choice] = reply.choices;
    assert.equal(choice.message.role, 'assistant');
    assert.equal(typeof choice.message.content, 'string');
    assert.equal(choice.message.refusal, null);
    assert.ok(!('tool_calls' in choice.message) && !('function_call' in choice.message));
    assert.ok(['stop', 'length'].includes(choice.finish_reason));
    assert.equal(reply.usage.total_tokens, reply.usage.prompt_tokens + reply.usage.completion_tokens);
    assert.ok(!choice.message.content.includes('<|im_end|>'));
  });

  test('roles and parts', async () => {
    const text = { role: 'user', content: 'hello fox?' };
    const parts = { role: 'user', content: [{ type: 'text', text: 'hello ' }, { type: 'text', text: 'fox?' }] };
    const options = { temperature: 0 };
    const [one, two] = await Promise.all([create({ messages: [text], ...options }), create({ messages: [parts], ...options })]);
    assert.equal(one.choices[0].message.content, two.choices[0].message.content);
    assert.equal(one.usage.prompt_tokens, two.usage.prompt_tokens);
    const [system, developer] = await Promise.all(['system', 'developer'].map((role) =>
      create({ messages: [{ role, content: 'Be kind.' }, text], ...options })));
    assert.equal(system.choices[0].message.content, developer.choices[0].message.content);
    await create({ messages: [text, { role: 'assistant', content: [{ type: 'text', text: 'hi' }] }, user('again')] });
    await create({ messages: [text, { role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] }, { role: 'user', content: 'x', name: 'ann' }] });
  });

  test('special tokens in messages are text', async () => {
    const plain = await create({ messages: [user('x')] });
    const sly = await create({ messages: [user('x<|im_end|>')] });
    assert.ok(sly.usage.prompt_tokens > plain.usage.prompt_tokens + 3);
  });

  test('tool round trip', async () => {
    const call = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } };
    const reply = await create({ messages: [user('weather?'), { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: 'rain' }, user('thanks')] });
    assert.equal(reply.choices.length, 1);
    await create({ messages: [user('weather?'), { role: 'assistant', tool_calls: [call] }, { role: 'tool', tool_call_id: 'call_1', content: [{ type: 'text', text: 'rain' }] }] });
    await create({ messages: [user('weather?'), { role: 'assistant', content: null, function_call: { name: 'weather', arguments: '{}' } },
      { role: 'function', name: 'weather', content: 'rain' }] });
    await assert.rejects(create({ messages: [user('weather?'), { role: 'tool', tool_call_id: 'call_1', content: 'rain' }] }),
      (error) => error instanceof OpenAI.BadRequestError && /^messages\.?\[1\]\.role$/.test(error.param));
  });

  test('stream', async () => {
    const options = { seed: 4, n: 2, max_tokens: 20 };
    const whole = await create(options);
    const chunks = await collect({ ...options, stream_options: { include_usage: true } });
    const texts = ['', ''];
    for (const chunk of chunks)
      for (const choice of chunk.choices) texts[choice.index] += choice.delta.content ?? '';
    assert.deepEqual(texts, whole.choices.map((choice) => choice.message.content));
    assert.deepEqual(chunks.at(-1).choices, []);
    assert.equal(chunks.at(-1).usage.completion_tokens, whole.usage.completion_tokens);
    assert.deepEqual(chunks[0].choices[0].delta, chunks[0].choices[0].delta.refusal === null
      ? { role: 'assistant', content: '', refusal: null } : { role: 'assistant', content: '' });
    await collect({});  // without usage; the watcher checks the order
  });

  test('n', async () => {
    const reply = await create({ n: 3, seed: 9 });
    assert.deepEqual(reply.choices.map((choice) => choice.index), [0, 1, 2]);
    assert.ok(new Set(reply.choices.map((choice) => choice.message.content)).size > 1);
  });

  test('logprobs', async () => {
    const options = { logprobs: true, top_logprobs: 3, seed: 2 };
    const { choices: [choice] } = await create(options);
    const { content } = choice.logprobs;
    assert.ok(content.length > 0);
    for (const each of content) {
      assert.equal(each.top_logprobs.length, 3);
      assert.ok(each.logprob <= 0 && each.top_logprobs[0].logprob >= each.logprob - 1e-6);
      assert.ok(each.top_logprobs[0].logprob >= each.top_logprobs[2].logprob);
      if (each.bytes) assert.ok(each.bytes.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256));
    }
    const bytes = Buffer.from(content.flatMap((each) => each.bytes ?? []));
    assert.ok(bytes.toString().startsWith(choice.message.content), `${bytes}`);
    const none = await create({ logprobs: true });
    assert.ok(none.choices[0].logprobs.content.every((each) => each.top_logprobs.length === 0));
    const chunks = await collect(options);
    const streamed = chunks.flatMap((chunk) => chunk.choices[0]?.logprobs?.content ?? []);
    assert.deepEqual(streamed.map((each) => each.token), content.map((each) => each.token));
  });

  test('lengths and stops', async () => {
    for (const name of ['max_tokens', 'max_completion_tokens']) {
      const reply = await create({ max_tokens: undefined, [name]: 2, logit_bias: { [(await tokenize('Q'))[0]]: 100 } });
      assert.equal(reply.usage.completion_tokens, 2);
      assert.equal(reply.choices[0].finish_reason, 'length');
      assert.equal(reply.choices[0].message.content, 'QQ');
    }
    const stopped = await create({ logit_bias: { [(await tokenize('Q'))[0]]: 100 }, stop: ['QQQ', 'x'], temperature: 0 });
    assert.equal(stopped.choices[0].message.content, '');
    assert.equal(stopped.choices[0].finish_reason, 'stop');
    const endless = await create({ max_tokens: undefined, seed: 3 });  // to the model's own end
    assert.ok(endless.usage.total_tokens <= 2048);
  });

  test('seed', async () => {
    const [one, two, other] = await Promise.all([5, 5, 6].map((seed) => create({ seed, max_tokens: 24, ignore_eos: true })));
    assert.equal(one.choices[0].message.content, two.choices[0].message.content);
    assert.notEqual(one.choices[0].message.content, other.choices[0].message.content);
    assert.equal(one.system_fingerprint, other.system_fingerprint);
  });

  test('fields without effect are accepted', async () => {
    await create({ user: 'me', store: false, metadata: { a: 'b' }, service_tier: 'auto', modalities: ['text'], reasoning_effort: 'low', stop: null,
      tools: null, temperature: null, logit_bias: null, response_format: { type: 'text' } });
  });

  test('the stream helper', async () => {
    const stream = chat.stream({ model, messages: MESSAGES, max_tokens: 16, seed: 8 });
    let text = '';
    stream.on('content', (delta) => { text += delta; });
    const completion = await stream.finalChatCompletion();
    assert.equal(completion.choices[0].message.content, text);
    assert.ok(completion.choices[0].finish_reason);
  });

  test('abort', async () => {
    const [id] = await tokenize('Q');
    const stream = await create({ stream: true, max_tokens: 1900, logit_bias: { [id]: 100 }, ignore_eos: true });
    let chunks = 0;
    for await (const chunk of stream) {
      assert.ok(chunk.id);
      if (++chunks === 3) break;
    }
    assert.ok(stream.controller.signal.aborted);
    const controller = new AbortController();
    const waiting = client.chat.completions.create({ model, messages: MESSAGES, max_tokens: 1900, ignore_eos: true, n: 8 }, { signal: controller.signal });
    setTimeout(() => controller.abort(), 20);
    await assert.rejects(waiting, OpenAI.APIUserAbortError);
    // Nothing runs on for who has left.
    for (let tries = 0; ; ++tries) {
      const metrics = await (await fetch(`${url}/metrics`)).text();
      const running = [...metrics.matchAll(/^parley_engine_(?:running|waiting)\{[^}]*\} (\d+)/gm)].map((match) => Number(match[1]));
      assert.ok(running.length >= 2, metrics);
      if (running.every((count) => count === 0)) break;
      assert.ok(tries < 40, `still running: ${running}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
});
