// A fetch that looks at everything that passes: replies, streams and errors against the official types, and the rules of streams.
import assert from 'node:assert/strict';
import { mistakes } from './schemas.mjs';

function typeOf(pathname) {
  if (pathname.endsWith('/chat/completions')) return 'ChatCompletion';
  if (pathname.endsWith('/completions')) return 'Completion';
  if (pathname.endsWith('/embeddings')) return 'CreateEmbeddingResponse';
  if (pathname.endsWith('/moderations')) return 'ModerationCreateResponse';
  if (pathname.endsWith('/models')) return 'ModelList';
  if (pathname.includes('/models/')) return 'Model';
  return null;
}

function expectType(type, value) {
  const wrong = mistakes(type, value);
  assert.equal(wrong, '', wrong);
}

// The data of each event. Comments are allowed, other fields are not expected.
export function eventData(text) {
  assert.ok(text.endsWith('\n\n'), `the stream ends within an event: ${JSON.stringify(text.slice(-200))}`);
  return text.split('\n\n').slice(0, -1).filter((event) => !event.startsWith(':')).map((event) => {
    assert.match(event, /^data: [^\n]*$/, `not one data line: ${JSON.stringify(event)}`);
    return event.slice('data: '.length);
  });
}

// The rules of a whole stream of completions or chats; `request` is the body that asked for it.
export function checkStream(text, request, chat) {
  const events = eventData(text);
  assert.equal(events.at(-1), '[DONE]', 'the last event');
  const chunks = events.slice(0, -1).map((data) => JSON.parse(data));
  if (chunks.at(-1)?.error) {
    expectType('Error', chunks.pop());
    return chunks;
  }
  const usage = request.stream_options?.include_usage ? chunks.at(-1) : null;
  const open = new Map();
  for (const chunk of chunks) {
    expectType(chat ? 'ChatCompletionChunk' : 'Completion', chunk);
    for (const key of ['id', 'created', 'model', 'system_fingerprint']) assert.equal(chunk[key], chunks[0][key], `${key} changes`);
    if (chunk === usage) {
      assert.deepEqual(chunk.choices, []);
      assert.equal(chunk.usage.total_tokens, chunk.usage.prompt_tokens + chunk.usage.completion_tokens);
      continue;
    }
    assert.ok(chunk.choices.length > 0, 'a chunk without choices that is not the last');
    if (usage) assert.equal(chunk.usage, null);
    else assert.ok(!('usage' in chunk), 'usage that nobody asked for');
    for (const choice of chunk.choices) {
      const seen = open.get(choice.index);
      assert.notEqual(seen, 'finished', `choice ${choice.index} goes on after its end`);
      assert.ok('finish_reason' in choice, 'finish_reason is missing');
      if (chat && seen === undefined) assert.equal(choice.delta.role, 'assistant', 'the first delta has the role');
      if (chat && seen !== undefined) assert.ok(!('role' in choice.delta), 'the role a second time');
      if (chat && choice.finish_reason) assert.deepEqual(choice.delta, {}, 'the last delta is empty');
      for (const call of choice.delta?.tool_calls ?? []) {
        const key = `${choice.index}.${call.index}`;
        if (!open.has(key)) assert.ok(call.id && call.type === 'function' && call.function.name, 'a call begins with id, type and name');
        else assert.ok(!call.id && !call.function.name, 'a call has its id and name once');
        open.set(key, true);
      }
      open.set(choice.index, choice.finish_reason ? 'finished' : 'open');
    }
  }
  for (const [key, state] of open) if (typeof key === 'number') assert.equal(state, 'finished', `choice ${key} does not end`);
  return chunks;
}

async function readAll(stream) {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  for await (const bytes of stream) text += decoder.decode(bytes, { stream: true });
  return text + decoder.decode();
}

// A fetch for the SDKs' option of that name. `settled()` waits for the checks of all that passed since the last call, and throws what they found.
export function watchedFetch() {
  let checks = [];
  const watched = async (url, init = {}) => {
    const response = await fetch(url, init);
    const pathname = new URL(url).pathname;
    assert.match(response.headers.get('x-request-id') ?? '', /^req_/, 'x-request-id');
    const type = response.headers.get('content-type') ?? '';
    if (!type.startsWith('text/event-stream')) {
      const copy = response.clone();
      checks.push((async () => {
        assert.match(type, /^application\/json/);
        const value = await copy.json();
        const expected = response.status >= 400 ? 'Error' : typeOf(pathname);
        if (expected) expectType(expected, value);
      })());
      return response;
    }
    const [mine, theirs] = response.body.tee();
    const check = (async () => {
      let text;
      try {
        text = await readAll(mine);
      } catch (error) {
        if (error.name === 'AbortError' || init.signal?.aborted) return;  // the test left
        throw error;
      }
      if (!init.signal?.aborted) checkStream(text, JSON.parse(init.body), pathname.endsWith('/chat/completions'));
    })();
    check.catch(() => {});  // reported by settled()
    checks.push(check);
    return new Response(theirs, { status: response.status, headers: response.headers });
  };
  watched.settled = async () => {
    const waiting = checks;
    checks = [];
    await Promise.all(waiting);
  };
  return watched;
}
