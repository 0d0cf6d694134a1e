// The AI SDK of Vercel, through its provider for compatible servers.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embed, embedMany, generateObject, generateText, streamText, tool } from 'ai';
import { z } from 'zod';
import { key, model, url } from './clients.mjs';
import { watchedFetch } from './wire.mjs';

describe('ai sdk', { skip: url ? false : 'PARLEY_URL is not set; use npm test' }, () => {
  const watched = watchedFetch();
  afterEach(() => watched.settled());
  const provider = createOpenAICompatible({ name: 'parley', baseURL: `${url}/v1`, apiKey: key, fetch: watched, includeUsage: true, supportsStructuredOutputs: true });
  const chat = provider(model);
  const options = { model: chat, maxRetries: 0, maxOutputTokens: 24, seed: 3, temperature: 1 };

  test('generateText', async () => {
    const result = await generateText({ ...options, system: 'Be kind.', prompt: 'hello fox?' });
    assert.equal(typeof result.text, 'string');
    assert.ok(['stop', 'length'].includes(result.finishReason));
    assert.ok(result.usage.inputTokens > 0);
  });

  test('streamText', async () => {
    const whole = await generateText({ ...options, prompt: 'hello fox?' });
    const result = streamText({ ...options, prompt: 'hello fox?' });
    let text = '';
    for await (const part of result.textStream) text += part;
    assert.equal(text, whole.text);
    assert.equal((await result.usage).outputTokens, whole.usage.outputTokens);
  });

  test('generateObject', async () => {
    const schema = z.object({ city: z.string().max(10), warm: z.boolean() });
    const { object } = await generateObject({ ...options, maxOutputTokens: 120, schema, prompt: 'the weather' });
    schema.parse(object);
  });

  test('tools', async () => {
    const asked = [];
    const tools = { weather: tool({ description: 'Weather', inputSchema: z.object({ city: z.enum(['Paris', 'London']) }),
      execute: async (input) => { asked.push(input); return 'rain'; } }) };
    const result = await generateText({ ...options, maxOutputTokens: 160, tools, toolChoice: 'required', prompt: 'the weather' });
    assert.ok(result.toolCalls.length >= 1);
    assert.equal(asked.length, result.toolCalls.length);
    assert.ok(asked.every((input) => ['Paris', 'London'].includes(input.city)));
    const streamed = streamText({ ...options, maxOutputTokens: 160, tools, toolChoice: 'required', prompt: 'the weather' });
    assert.ok((await streamed.toolCalls).length >= 1);
  });

  test('embed', async () => {
    const embedder = provider.textEmbeddingModel(model);
    const one = await embed({ model: embedder, value: 'fox' });
    const many = await embedMany({ model: embedder, values: ['fox', 'tree'] });
    assert.ok(one.embedding.every((value, i) => Math.abs(value - many.embeddings[0][i]) < 1e-4));
  });

  test('completions', async () => {
    const { text } = await generateText({ ...options, model: provider.completionModel(model), prompt: 'the big' });
    assert.equal(typeof text, 'string');
  });
});
