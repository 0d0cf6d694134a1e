// The checks themselves: what is right passes, and each mistake is found. Needs no server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mistakes } from './schemas.mjs';
import { checkStream } from './wire.mjs';

const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const chat = (changes = {}, message = {}) => ({ id: 'chatcmpl-1', object: 'chat.completion', created: 5, model: 'm', system_fingerprint: 'fp_1', usage,
  choices: [{ index: 0, finish_reason: 'stop', logprobs: null, message: { role: 'assistant', content: 'hi', refusal: null, ...message } }], ...changes });

test('types', () => {
  const right = [
    ['ChatCompletion', chat()],
    ['ChatCompletion', chat({}, { content: null, tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }] })],
    ['Completion', { id: 'cmpl-1', object: 'text_completion', created: 5, model: 'm', usage: null, choices: [{ index: 0, text: 'x', finish_reason: null,
      logprobs: { tokens: ['a'], token_logprobs: [null], top_logprobs: [null], text_offset: [0] } }] }],
    ['CreateEmbeddingResponse', { object: 'list', model: 'm', usage: { prompt_tokens: 1, total_tokens: 1 }, data: [{ object: 'embedding', index: 0, embedding: 'AAAA' }] }],
    ['ModelList', { object: 'list', data: [{ id: 'm', object: 'model', created: 1, owned_by: 'x', root: 'm', context_length: 5 }] }],
    ['Error', { error: { message: 'x', type: 'y', param: null, code: 'z' } }],
  ];
  for (const [type, value] of right) assert.equal(mistakes(type, value), '');
  const wrong = [
    ['ChatCompletion', chat({ object: 'chat' })], ['ChatCompletion', chat({ created: 5.5 })], ['ChatCompletion', chat({ surprise: 1 })], ['ChatCompletion', chat({ id: null })],
    ['ChatCompletion', chat({}, { tool_calls: [] })], ['ChatCompletion', chat({}, { refusal: undefined })], ['ChatCompletion', chat({}, { role: 'user' })],
    ['ChatCompletion', chat({}, { tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: {} } }] })],
    ['Model', { id: 'm', object: 'model', created: '1', owned_by: 'x' }], ['Error', { error: { message: 'x', type: 'y', param: null } }],
    ['Error', { error: { message: 'x', type: 'y', param: null, code: 400 } }], ['Error', { error: 'x' }],
  ];
  for (const [type, value] of wrong) assert.notEqual(mistakes(type, value), '', JSON.stringify(value));
});

const chunk = (delta, finish_reason = null, changes = {}) => ({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 5, model: 'm', usage: null,
  choices: [{ index: 0, delta, logprobs: null, finish_reason }], ...changes });
const sse = (chunks, end = 'data: [DONE]\n\n') => chunks.map((each) => `data: ${JSON.stringify(each)}\n\n`).join('') + end;
const ROLE = chunk({ role: 'assistant', content: '' });
const TEXT = chunk({ content: 'hi' });
const END = chunk({}, 'stop');
const USAGE = chunk({}, null, { choices: [], usage });

test('streams', () => {
  const request = { stream: true, stream_options: { include_usage: true } };
  assert.equal(checkStream(sse([ROLE, TEXT, END, USAGE]), request, true).length, 4);
  const wrong = {
    'no [DONE]': sse([ROLE, TEXT, END, USAGE], ''), 'cut': sse([ROLE, TEXT, END, USAGE]).slice(0, -1), 'no end': sse([ROLE, TEXT, USAGE]), 'two ends': sse([ROLE, END, END, USAGE]),
    'no role': sse([TEXT, END, USAGE]), 'two roles': sse([ROLE, ROLE, END, USAGE]), 'text behind the end': sse([ROLE, END, TEXT, USAGE]), 'no usage': sse([ROLE, TEXT, END]),
    'another id': sse([ROLE, { ...TEXT, id: 'x' }, END, USAGE]), 'no finish_reason': sse([ROLE, { ...TEXT, choices: [{ index: 0, delta: { content: 'x' }, logprobs: null }] }, END, USAGE]),
    'an empty reason': sse([ROLE, chunk({ content: 'x' }, ''), END, USAGE]), 'an event field': `event: x\n${sse([ROLE, TEXT, END, USAGE])}`,
    'a call without a name': sse([ROLE, chunk({ tool_calls: [{ index: 0, id: 'c', type: 'function', function: { arguments: '' } }] }), END, USAGE]),
  };
  for (const [what, text] of Object.entries(wrong)) assert.throws(() => checkStream(text, request, true), undefined, what);
  checkStream(sse([{ error: { message: 'x', type: 'server_error', param: null, code: null } }]), request, true);
});
