import assert from 'node:assert/strict';
import { forEachSdk, model, test } from './clients.mjs';

forEachSdk('models', ({ client, OpenAI }) => {
  test('list', async () => {
    const ids = [];
    for await (const each of client.models.list()) ids.push(each.id);
    assert.ok(ids.includes(model), `${ids}`);
    assert.equal(new Set(ids).size, ids.length);
  });

  test('retrieve', async () => {
    const one = await client.models.retrieve(model);
    assert.equal(one.id, model);
    assert.equal(one.object, 'model');
    assert.ok(one.created <= Date.now() / 1000 && one.created > 1.6e9);
  });

  test('unknown', async () => {
    for (const name of ['gpt-9', 'org/model:latest', '模型'])
      await assert.rejects(client.models.retrieve(name), (error) => {
        assert.ok(error instanceof OpenAI.NotFoundError, `${error}`);
        assert.equal(error.status, 404);
        assert.equal(error.code, 'model_not_found');
        assert.match(error.message, new RegExp(name));
        return true;
      });
    await assert.rejects(client.completions.create({ model: 'gpt-9', prompt: 'x' }), OpenAI.NotFoundError);
    await assert.rejects(client.chat.completions.create({ model: 'gpt-9', messages: [{ role: 'user', content: 'x' }] }), OpenAI.NotFoundError);
    await assert.rejects(client.embeddings.create({ model: 'gpt-9', input: 'x' }), OpenAI.NotFoundError);
  });
});
