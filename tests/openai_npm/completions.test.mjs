import assert from 'node:assert/strict';
import { before, forEachSdk, model, test, tokenize } from './clients.mjs';

const PROMPT = 'the big fox 你好';
const characters = (text) => [...text].length;

forEachSdk('completions', ({ client, OpenAI }) => {
  let ids;  // of PROMPT
  before(async () => { ids = await tokenize(PROMPT); });
  const create = (body) => client.completions.create({ model, ...body });

  test('a text', async () => {
    const reply = await create({ prompt: PROMPT });
    assert.match(reply.id, /^cmpl-/);
    assert.equal(reply.choices.length, 1);
    assert.equal(reply.usage.prompt_tokens, ids.length);
    assert.ok(reply.usage.completion_tokens <= 16);
    assert.equal(reply.usage.total_tokens, reply.usage.prompt_tokens + reply.usage.completion_tokens);
    assert.ok(Math.abs(reply.created - Date.now() / 1000) < 60);
  });

  test('null is as good as nothing', async () => {
    const none = Object.fromEntries(['suffix', 'max_tokens', 'temperature', 'top_p', 'n', 'best_of', 'logprobs', 'echo', 'stop', 'presence_penalty',
      'frequency_penalty', 'logit_bias', 'seed', 'user', 'stream', 'stream_options'].map((name) => [name, null]));
    await create({ prompt: PROMPT, ...none });
  });

  test('no prompt at all', async () => {
    const reply = await create({ max_tokens: 3 });
    assert.equal(reply.choices.length, 1);
  });

  test('texts, ids, many ids', async () => {
    const options = { max_tokens: 5, temperature: 0 };
    const one = await create({ prompt: PROMPT, ...options });
    const [texts, byId, byIds] = await Promise.all([
      create({ prompt: [PROMPT, 'a dog', PROMPT], ...options }),
      create({ prompt: ids, ...options }),
      create({ prompt: [ids, ids.slice(0, 2)], ...options })]);
    assert.deepEqual(texts.choices.map((choice) => choice.index), [0, 1, 2]);
    assert.equal(texts.choices[0].text, one.choices[0].text);
    assert.equal(texts.choices[2].text, one.choices[0].text);
    assert.equal(byId.choices[0].text, one.choices[0].text);
    assert.equal(byIds.choices[0].text, one.choices[0].text);
    assert.equal(byIds.choices.length, 2);
    assert.equal(byIds.usage.prompt_tokens, ids.length + 2);
  });

  test('n and best_of', async () => {
    const several = await create({ prompt: [PROMPT, 'a dog'], n: 3, max_tokens: 4, seed: 7 });
    assert.deepEqual(several.choices.map((choice) => choice.index), [0, 1, 2, 3, 4, 5]);
    assert.ok(new Set(several.choices.slice(0, 3).map((choice) => choice.text)).size > 1, 'all answers are the same');
    const best = await create({ prompt: PROMPT, n: 2, best_of: 5, max_tokens: 4, seed: 7, ignore_eos: true });
    assert.equal(best.choices.length, 2);
    assert.equal(best.usage.completion_tokens, 20, 'the usage counts what was not returned too');
    for (const [body, param] of [[{ n: 3, best_of: 2 }, 'best_of'], [{ best_of: 2, stream: true }, 'best_of']])
      await assert.rejects(create({ prompt: PROMPT, ...body }), (error) => error instanceof OpenAI.BadRequestError && error.param === param);
  });

  test('many at once', async () => {
    const most = await create({ prompt: PROMPT, n: 128, max_tokens: 1 });
    assert.equal(most.choices.length, 128);
    let ends = 0;  // of a stream, more than run side by side
    for await (const chunk of await create({ prompt: PROMPT, n: 50, max_tokens: 3, stream: true }))
      for (const choice of chunk.choices) ends += choice.finish_reason ? 1 : 0;
    assert.equal(ends, 50);
    const prompts = await create({ prompt: Array.from({ length: 300 }, (_, i) => `fox ${i}`), max_tokens: 0, echo: true, logprobs: 0 });
    assert.deepEqual(prompts.choices.map((choice) => choice.text), Array.from({ length: 300 }, (_, i) => `fox ${i}`));
  });

  test('stream', async () => {
    const options = { max_tokens: 12, seed: 3, prompt: [PROMPT, 'a dog'], n: 2 };
    const whole = await create(options);
    const texts = ['', '', '', ''];
    const reasons = [];
    let usage;
    for await (const chunk of await create({ ...options, stream: true, stream_options: { include_usage: true } })) {
      if (chunk.usage) usage = chunk.usage;
      for (const choice of chunk.choices) {
        texts[choice.index] += choice.text;
        if (choice.finish_reason) reasons[choice.index] = choice.finish_reason;
      }
    }
    assert.deepEqual(texts, whole.choices.map((choice) => choice.text));
    assert.deepEqual(reasons, whole.choices.map((choice) => choice.finish_reason));
    assert.equal(usage.total_tokens, whole.usage.total_tokens);
  });

  test('logprobs', async () => {
    for (const logprobs of [0, 1, 5]) {
      const { choices: [{ text, logprobs: given }] } = await create({ prompt: PROMPT, max_tokens: 6, seed: 5, logprobs });
      const n = given.tokens.length;
      for (const key of ['token_logprobs', 'text_offset']) assert.equal(given[key].length, n);
      assert.ok(given.token_logprobs.every((value) => value <= 0));
      assert.equal(given.text_offset[0], characters(PROMPT));
      assert.ok(given.text_offset.every((value, i) => i === 0 || value >= given.text_offset[i - 1]));
      if (!given.tokens.some((token) => token.startsWith('bytes:'))) assert.ok(given.tokens.join('').startsWith(text));
      if (logprobs === 0) continue;
      assert.equal(given.top_logprobs.length, n);
      given.top_logprobs.forEach((top, i) => {
        const size = Object.keys(top).length;
        assert.ok(size >= 1 && size <= logprobs + 1, `${size} alternatives of ${logprobs}`);
        assert.ok(Math.max(...Object.values(top)) >= given.token_logprobs[i] - 1e-6);
      });
    }
  });

  test('logprobs in a stream are those of the whole', async () => {
    const options = { prompt: PROMPT, max_tokens: 10, seed: 6, logprobs: 2 };
    const whole = (await create(options)).choices[0].logprobs;
    const joined = { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] };
    for await (const chunk of await create({ ...options, stream: true }))
      for (const name of Object.keys(joined)) joined[name].push(...(chunk.choices[0].logprobs?.[name] ?? []));
    assert.deepEqual(joined.tokens, whole.tokens);
    assert.deepEqual(joined.text_offset, whole.text_offset);
    joined.token_logprobs.forEach((value, i) => assert.ok(Math.abs(value - whole.token_logprobs[i]) < 1e-3));
  });

  test('echo', async () => {
    const { choices: [plain] } = await create({ prompt: PROMPT, echo: true, max_tokens: 4, seed: 1 });
    assert.ok(plain.text.startsWith(PROMPT));
    const { choices: [scored] } = await create({ prompt: PROMPT, echo: true, max_tokens: 4, seed: 1, logprobs: 2 });
    assert.equal(scored.text, plain.text);
    assert.ok(scored.logprobs.tokens.length >= ids.length);
    assert.equal(scored.logprobs.token_logprobs[0], null);
    assert.equal(scored.logprobs.top_logprobs[0], null);
    assert.equal(scored.logprobs.text_offset[0], 0);
    assert.ok(scored.logprobs.token_logprobs.slice(1).every((value) => value <= 0));

    // Scores alone, the way language models are evaluated.
    const reply = await create({ prompt: [PROMPT, 'a dog'], echo: true, max_tokens: 0, logprobs: 1 });
    assert.deepEqual(reply.choices.map((choice) => choice.text), [PROMPT, 'a dog']);
    assert.deepEqual(reply.choices.map((choice) => choice.finish_reason), ['length', 'length']);
    assert.equal(reply.choices[0].logprobs.tokens.length, ids.length);
    reply.choices[0].logprobs.token_logprobs.slice(1).forEach((value, i) => {
      assert.ok(Math.abs(value - scored.logprobs.token_logprobs[i + 1]) < 1e-3);
    });
    assert.equal(reply.usage.completion_tokens, 0);

    let streamed = '';
    for await (const chunk of await create({ prompt: PROMPT, echo: true, max_tokens: 4, seed: 1, stream: true })) streamed += chunk.choices[0].text;
    assert.equal(streamed, plain.text);
  });

  test('stop', async () => {
    let found = 0;
    for (let seed = 0; seed < 20 && found < 3; ++seed) {
      const options = { prompt: PROMPT, max_tokens: 40, seed, ignore_eos: true };
      const whole = (await create(options)).choices[0].text;
      const stop = whole.slice(4).match(/[a-zA-Z]{2} ?[a-zA-Z]/)?.[0];
      if (!stop) continue;
      ++found;
      const expected = whole.slice(0, whole.indexOf(stop));
      for (const stops of [stop, [stop], ['@@@', stop, '###', '%%%']]) {
        const { choices: [choice] } = await create({ ...options, stop: stops });
        assert.equal(choice.text, expected);
        assert.equal(choice.finish_reason, 'stop');
      }
      let text = '';
      for await (const chunk of await create({ ...options, stop, stream: true })) text += chunk.choices[0].text;
      assert.equal(text, expected);
    }
    assert.ok(found > 0);
  });

  test('suffix', async () => {
    const reply = await create({ prompt: 'the big', suffix: ' over the river', max_tokens: 8 });
    assert.equal(reply.choices.length, 1);
    assert.ok(reply.usage.prompt_tokens > 3);
  });

  test('logit_bias', async () => {
    const [id] = await tokenize('Q');
    const reply = await create({ prompt: PROMPT, max_tokens: 3, logit_bias: { [id]: 100 }, temperature: 0 });
    assert.equal(reply.choices[0].text, 'QQQ');
    const banned = await create({ prompt: PROMPT, max_tokens: 3, logit_bias: { [id]: -100 } });
    assert.ok(!banned.choices[0].text.includes('Q'));
  });

  test('seed', async () => {
    const texts = [];
    for (const seed of [11, 11, 12]) texts.push((await create({ prompt: PROMPT, max_tokens: 16, seed, ignore_eos: true })).choices[0].text);
    assert.equal(texts[0], texts[1]);
    assert.notEqual(texts[0], texts[2]);
    const [first, second] = await Promise.all([1, 2].map(() => create({ prompt: PROMPT, max_tokens: 16, ignore_eos: true })));
    assert.notEqual(first.choices[0].text, second.choices[0].text, 'without a seed answers differ');
  });

  test('penalties and nucleus', async () => {
    const greedy = { prompt: PROMPT, max_tokens: 8, temperature: 0 };
    const plain = (await create(greedy)).choices[0].text;
    assert.equal((await create({ prompt: PROMPT, max_tokens: 8, top_p: 0 })).choices[0].text, plain);
    await create({ ...greedy, presence_penalty: 2, frequency_penalty: -2, top_p: 0.5, user: 'me' });
  });
});
