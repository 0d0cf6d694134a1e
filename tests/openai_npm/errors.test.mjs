import assert from 'node:assert/strict';
import { after, before, forEachSdk, key, model, test, url } from './clients.mjs';

const messages = [{ role: 'user', content: 'hello' }];
const COMMON = [
  ['temperature', [-0.1, 2.1, 'hot', [1]]], ['top_p', [-1, 1.5, 'x']], ['presence_penalty', [-2.5, 3]], ['frequency_penalty', [-2.5, 3]],
  ['n', [0, 129, 1.5, 'two']], ['stop', [5, ['a', 'b', 'c', 'd', 'e'], [1]]], ['seed', ['x', 1.5]], ['stream', ['yes']],
  ['logit_bias', [5, { x: 1 }, { 999999: 1 }]], ['stream_options', [{ include_usage: true }]], ['model', [5]], ['response_format', [5, { type: 'xml' }, {}]]];
const CHAT = [...COMMON,
  ['messages', [[], 'hello', [5], undefined]], ['max_tokens', [0, -1, 1.5, 'x']], ['max_completion_tokens', [0, 'x']], ['top_logprobs', [21, -1, 3]], ['logprobs', [5]],
  ['tools', [5, [{ type: 'function' }], [{ type: 'x', function: { name: 'a' } }], [{ type: 'function', function: { name: 'a b' } }]]],
  ['tool_choice', ['sometimes', { type: 'function', function: { name: 'missing' } }]], ['tempratur', [1]], ['modalities', [['audio']]], ['audio', [{ voice: 'x' }]]];
const COMPLETIONS = [...COMMON,
  ['prompt', [5, [[-1]], [1.5], [1e9], [null], ['a', 5], {}]], ['max_tokens', [-1, 1.5, 'x']], ['logprobs', [6, -1, true]], ['best_of', [0, 129, 'x']], ['echo', ['x']],
  ['suffix', [5]], ['messages', [messages]]];

forEachSdk('errors', ({ client, make, OpenAI }) => {
  // What is thrown is a BadRequestError whose param is, or begins with, `param`.
  const expectBad = async (request, param, what) => assert.rejects(request, (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError, `${what}: ${error}`);
    assert.ok(error.param === param || error.param?.startsWith(`${param}.`) || error.param?.startsWith(`${param}[`), `${what}: param ${error.param}`);
    assert.equal(error.type, 'invalid_request_error');
    assert.ok(error.message.length > 10);
    return true;
  }, what);

  test('every parameter of chats', async () => {
    for (const [name, values] of CHAT)
      for (const value of values)
        await expectBad(client.chat.completions.create({ model, messages, max_tokens: 1, [name]: value }), name, `${name}: ${JSON.stringify(value)}`);
  });

  test('every parameter of completions', async () => {
    for (const [name, values] of COMPLETIONS)
      for (const value of values)
        await expectBad(client.completions.create({ model, prompt: 'x', max_tokens: 1, [name]: value }), name, `${name}: ${JSON.stringify(value)}`);
  });

  test('messages', async () => {
    for (const [message, param] of [[{ role: 'king', content: 'x' }, 'messages[0].role'], [{ content: 'x' }, 'messages[0].role'], [{ role: 'user' }, 'messages[0].content'],
      [{ role: 'user', content: 5 }, 'messages[0].content'], [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }, 'messages[0].content'],
      [{ role: 'user', content: [{ type: 'text' }] }, 'messages[0].content']])
      await expectBad(client.chat.completions.create({ model, messages: [message] }), param, JSON.stringify(message));
  });

  test('codes', async () => {
    for (const [body, code] of [[{ model, messages, tempratur: 1 }, 'unknown_parameter'], [{ model, messages: 5 }, 'invalid_type'], [{ messages }, 'missing_required_parameter'],
      [{ model }, 'missing_required_parameter'], [{ model, messages, n: 1000 }, 'integer_above_max_value'], [{ model, messages, n: 0 }, 'integer_below_min_value'],
      [{ model, messages, temperature: 9 }, 'decimal_above_max_value'], [{ model, messages, temperature: -9 }, 'decimal_below_min_value']])
      await assert.rejects(client.chat.completions.create(body), (error) => {
        assert.equal(error.code, code, JSON.stringify(body));
        return true;
      });
  });

  test('the context is full', async () => {
    for (const [request, param] of [
      [() => client.chat.completions.create({ model, messages: [{ role: 'user', content: 'fox '.repeat(5000) }] }), 'messages'],
      [() => client.chat.completions.create({ model, messages, max_tokens: 100000 }), 'messages'],
      [() => client.completions.create({ model, prompt: 'fox '.repeat(5000) }), 'prompt'],
      [() => client.completions.create({ model, prompt: 'x', max_tokens: 100000 }), 'prompt']])
      await assert.rejects(request(), (error) => {
        assert.ok(error instanceof OpenAI.BadRequestError);
        assert.equal(error.code, 'context_length_exceeded');
        assert.equal(error.param, param);
        assert.match(error.message, /maximum context length is \d+ tokens/);
        return true;
      });
  });

  test('an error before a stream begins is a status', async () => {
    await expectBad(client.chat.completions.create({ model, messages, stream: true, temperature: 5 }), 'temperature', 'stream');
  });

  test('unknown routes', async () => {
    await assert.rejects(client.get('/nothing/here'), (error) => error instanceof OpenAI.NotFoundError && error.code === 'unknown_url');
    await assert.rejects(client.get('/chat/completions'), (error) => error.status === 405);
    await assert.rejects(client.delete(`/models/${model}`), (error) => [403, 404, 405].includes(error.status));
  });

  test('keys', { skip: key === 'none' ? 'the server has no keys' : false }, async () => {
    for (const wrong of ['sk-wrong', 'none'])
      await assert.rejects(make({ apiKey: wrong }).models.list(), (error) => {
        assert.ok(error instanceof OpenAI.AuthenticationError, `${error}`);
        assert.equal(error.code, 'invalid_api_key');
        return true;
      });
    const bare = await fetch(`${url}/v1/models`);
    assert.equal(bare.status, 401);
    await bare.body.cancel();
  });

  const limited = process.env.PARLEY_LIMITED_KEY;
  test('limits', { skip: limited ? false : 'PARLEY_LIMITED_KEY is not set' }, async () => {
    // Sixty requests a minute: some of seventy at once are refused, and one that is tried again gets through.
    const ask = (maxRetries) => make({ apiKey: limited, maxRetries }).models.retrieve(model);
    const first = await Promise.allSettled(Array.from({ length: 70 }, () => ask(0)));
    const refused = first.filter((each) => each.status === 'rejected').map((each) => each.reason);
    assert.ok(refused.length > 0, 'nothing was refused');
    for (const error of refused) {
      assert.ok(error instanceof OpenAI.RateLimitError, `${error}`);
      assert.equal(error.code, 'rate_limit_exceeded');
      const headers = error.headers instanceof Headers ? Object.fromEntries(error.headers) : error.headers;
      assert.ok(Number(headers['retry-after']) > 0, JSON.stringify(headers));
      assert.match(headers['x-ratelimit-limit-requests'], /^\d+$/);
      assert.match(headers['x-ratelimit-remaining-requests'], /^\d+$/);
      assert.match(headers['x-ratelimit-reset-requests'], /^(\d+h)?(\d+m)?(\d+(\.\d+)?s)?(\d+ms)?$/);
    }
    assert.ok((await ask(5)).id);
  });
});
