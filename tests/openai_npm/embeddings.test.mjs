import assert from 'node:assert/strict';
import { forEachSdk, key, model, test, tokenize, url } from './clients.mjs';

const norm = (vector) => Math.hypot(...vector);
const close = (a, b) => a.length === b.length && a.every((value, i) => Math.abs(value - b[i]) < 1e-4);

forEachSdk('embeddings and moderations', ({ client, OpenAI }) => {
  const create = (body) => client.embeddings.create({ model, ...body });

  test('float and base64 are the same', async () => {
    const input = 'the big fox 你好';
    const floats = await create({ input, encoding_format: 'float' });
    const usual = await create({ input });  // the SDK asks for base64 and decodes it
    const ids = await create({ input: await tokenize(input), encoding_format: 'float' });
    const vector = floats.data[0].embedding;
    assert.ok(vector.length > 8 && Math.abs(norm(vector) - 1) < 1e-4);
    assert.ok(close([...usual.data[0].embedding], vector));
    assert.ok(close(ids.data[0].embedding, vector));
    assert.equal(floats.usage.prompt_tokens, ids.usage.prompt_tokens);
    const raw = await create({ input, encoding_format: 'base64' });
    const bytes = Buffer.from(raw.data[0].embedding, 'base64');
    assert.ok(close([...new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)], vector));
  });

  test('many inputs', async () => {
    const input = Array.from({ length: 40 }, (_, i) => `fox ${i % 5} ${'tree '.repeat(i % 5)}`);
    const reply = await create({ input, encoding_format: 'float' });
    assert.deepEqual(reply.data.map((each) => each.index), input.map((_, i) => i));
    for (let i = 5; i < 40; ++i) assert.ok(close(reply.data[i].embedding, reply.data[i - 5].embedding));
    assert.ok(!close(reply.data[0].embedding, reply.data[1].embedding));
    const lists = await create({ input: [await tokenize('fox'), await tokenize('the tree')], encoding_format: 'float' });
    assert.equal(lists.data.length, 2);
  });

  test('dimensions', async () => {
    const { data: [{ embedding }] } = await create({ input: 'fox', dimensions: 7, encoding_format: 'float' });
    assert.equal(embedding.length, 7);
    assert.ok(Math.abs(norm(embedding) - 1) < 1e-4);
  });

  test('errors', async () => {
    for (const [body, param] of [[{ input: '' }, 'input'], [{ input: [] }, 'input'], [{ input: ['a', ''] }, 'input'], [{ input: [[]] }, 'input'], [{ input: [1e6] }, 'input'],
      [{ input: 5 }, 'input'], [{}, 'input'], [{ input: 'a', dimensions: 0 }, 'dimensions'], [{ input: 'a', dimensions: 1e6 }, 'dimensions'],
      [{ input: 'a', encoding_format: 'int8' }, 'encoding_format'], [{ input: Array(2049).fill('a') }, 'input'], [{ input: 'fox '.repeat(5000) }, 'input']])
      await assert.rejects(create({ encoding_format: 'float', ...body }), (error) => {
        assert.ok(error instanceof OpenAI.BadRequestError, `${JSON.stringify(body).slice(0, 80)}: ${error}`);
        assert.equal(error.param, param);
        return true;
      });
  });

  test('moderations', async () => {
    const reply = await client.moderations.create({ input: ['How do I kill a Python process?', 'I will kill you.', '怎么自杀', '杀死进程'] });
    assert.match(reply.id, /^modr-/);
    assert.deepEqual(reply.results.map((result) => result.flagged), [false, true, true, false]);
    assert.ok(reply.results[1].categories['harassment/threatening']);
    assert.ok(reply.results[2].categories['self-harm/instructions']);
    assert.equal(Object.keys(reply.results[0].category_scores).length, 13);
    const one = await client.moderations.create({ input: 'hello', model: 'omni-moderation-latest' });
    assert.equal(one.results.length, 1);
    assert.match(one.model, /rules/);
    const parts = await client.moderations.create({ input: [{ type: 'text', text: 'I will kill you' }] });
    assert.equal(parts.results[0].flagged, true);
    await assert.rejects(client.moderations.create({ input: [{ type: 'image_url', image_url: { url: 'data:' } }] }), OpenAI.BadRequestError);
    await assert.rejects(client.moderations.create({}), OpenAI.BadRequestError);
  });

  test('headers', async () => {
    const { data, response } = await client.embeddings.create({ model, input: 'fox' }).withResponse();
    assert.equal(data.object, 'list');
    assert.match(response.headers.get('x-request-id'), /^req_/);
    assert.match(response.headers.get('openai-processing-ms'), /^\d+$/);
    assert.ok(response.headers.get('openai-version'));
    const other = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}`, 'OpenAI-Organization': 'org', 'OpenAI-Project': 'p' } });
    assert.equal(other.status, 200);
    assert.notEqual(other.headers.get('x-request-id'), response.headers.get('x-request-id'));
  });
});
