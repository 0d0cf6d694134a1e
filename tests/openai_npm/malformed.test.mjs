// Ten thousand requests that are wrong: each is answered with a 4xx and a JSON error, and the server lives.
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { describe, test } from 'node:test';
import { key, model, url } from './clients.mjs';
import { mistakes } from './schemas.mjs';

const TOTAL = Number(process.env.PARLEY_MALFORMED ?? 10000);
const messages = [{ role: 'user', content: 'hello 你好' }];
const VALID = [
  ['/v1/completions', { model, prompt: 'the fox', max_tokens: 1, temperature: 0.5, n: 1, stop: ['x'], logit_bias: { 5: 1 } }],
  ['/v1/chat/completions', { model, messages, max_tokens: 1, temperature: 1, top_p: 1, stream: false, tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }] }],
  ['/v1/chat/completions', { model, messages, max_tokens: 2, response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object', properties: { a: { type: 'integer' } } } } } }],
  ['/v1/embeddings', { model, input: ['fox', 'tree'], encoding_format: 'float' }],
  ['/v1/moderations', { input: 'hello' }],
  ['/tokenize', { model, prompt: 'hello' }],
];

function random(seed) {  // mulberry32
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * n);
  };
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const WRONG = [null, true, -1, 1e308, 1.5, '', 'x', [], {}, [[[[]]]], { a: { b: 1 } }, ['a', 1], 9007199254740993, -1e-300, '\u0000', '\ud800'];

// A wrong body: [bytes, whether it can be right all the same].
function mutate(text, below) {
  const bytes = Buffer.from(text);
  const at = below(bytes.length);
  switch (below(9)) {
    case 0: return [bytes.subarray(0, at), false];  // an object that does not end
    case 1: return [Buffer.concat([bytes.subarray(0, at), Buffer.from([below(256)]), bytes.subarray(at)]), true];
    case 2: { const copy = Buffer.from(bytes); copy[at] ^= 1 << below(8); return [copy, true]; }
    case 3: return [Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(5))]), true];
    case 4: {  // a field of another type
      const value = JSON.parse(text);
      const names = Object.keys(value);
      value[names[below(names.length)]] = WRONG[below(WRONG.length)];
      return [Buffer.from(JSON.stringify(value)), true];
    }
    case 5: return [Buffer.from(JSON.stringify({ ...JSON.parse(text), [`f${below(1000)}`]: 1 })), false];
    case 6: { const depth = 50 + below(5000); return [Buffer.from(`${'['.repeat(depth)}${']'.repeat(depth)}`), false]; }
    case 7: return [Buffer.from(['', 'null', '5', '"x"', '[]', '{}', '{"model":', '\u0000', 'NaN', '{"a":1}}'][below(10)]), false];
    default: return [Buffer.concat([bytes.subarray(0, 10), Buffer.from([0xff, 0xc0, 0x80, 0xed, 0xa0]), bytes.subarray(10)]), false];
  }
}

function send(agent, route, body, headers) {
  const target = new URL(route, url);
  return new Promise((resolve, reject) => {
    const request = http.request(target, { method: 'POST', agent, headers: { 'content-type': 'application/json', 'content-length': body.length,
      authorization: `Bearer ${key}`, ...headers } }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode, type: response.headers['content-type'] ?? '', text: Buffer.concat(chunks).toString() }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

function expectError({ status, type, text }, what) {
  assert.ok(status >= 400 && status < 500, `${status} ${text.slice(0, 300)} to ${what}`);
  assert.match(type, /^application\/json/, what);
  const wrong = mistakes('Error', JSON.parse(text));
  assert.equal(wrong, '', `${wrong} to ${what}`);
}

function isValidJson(bytes) {
  try {
    return isObject(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    return false;
  }
}

// Sends bytes as they are; resolves with what came back until the server closed the connection, or until it was silent.
function raw(bytes, { half = false } = {}) {
  const target = new URL(url);
  return new Promise((resolve) => {
    const socket = net.connect(Number(target.port), target.hostname);
    let answer = '';
    let timer;
    const end = () => { clearTimeout(timer); socket.destroy(); resolve(answer); };
    socket.on('connect', () => { socket.write(bytes); if (half) socket.end(); timer = setTimeout(end, 400); });
    socket.on('data', (chunk) => { answer += chunk.toString('latin1'); });
    socket.on('close', end);
    socket.on('error', end);
  });
}

const H = 'POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
const BROKEN = [
  '\r\n\r\n\r\n', 'GET\r\n\r\n', 'GET / HTTP/9.9\r\nHost: x\r\n\r\n', 'GET /v1/models\r\n\r\n', 'G\0ET / HTTP/1.1\r\nHost: x\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc',
  `${H}Content-Length: -5\r\n\r\n`, `${H}Content-Length: x\r\n\r\n`, `${H}Content-Length: 5, 6\r\n\r\nhello`, `${H}Content-Length: 99999999999999999999\r\n\r\n`,
  `${H}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, `${H}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, `${H}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n`,
  `${H}Transfer-Encoding: gzip\r\n\r\n`, `${H}Bad Header\r\n\r\n`, `${H}: nothing\r\n\r\n`, `${H} folded: x\r\n\r\n`, `GET /${'a'.repeat(100000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
  `${H}X-Long: ${'a'.repeat(200000)}\r\n\r\n`, `${H}${'X: y\r\n'.repeat(20000)}\r\n`, `${H}Content-Length: 10\r\nContent-Length: 11\r\n\r\nhello`,
  'GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /v1/models/%00 HTTP/1.1\r\nHost: x\r\n\r\n', 'GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n', 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n',
  'CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'BREW /v1/models HTTP/1.1\r\nHost: x\r\n\r\n',
];

describe('malformed requests', { skip: url ? false : 'PARLEY_URL is not set; use npm test' }, () => {
  test(`${TOTAL} mutated bodies`, { timeout: 300000 }, async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
    const counts = {};
    let next = 0;
    const worker = async () => {
      while (next < TOTAL) {
        const number = next++;
        const below = random(number);
        const [route, body] = VALID[below(VALID.length)];
        const [bytes, maybe] = mutate(JSON.stringify(body), below);
        const what = `${number}: ${route} ${bytes.toString('latin1').slice(0, 300)}`;
        const reply = await send(agent, route, bytes);
        counts[reply.status] = (counts[reply.status] ?? 0) + 1;
        // What is still right JSON may be a right request.
        if (maybe && reply.status === 200 && isValidJson(bytes)) continue;
        if (route === '/tokenize' && reply.status === 200 && isValidJson(bytes)) continue;
        expectError(reply, what);
      }
    };
    try {
      await Promise.all(Array.from({ length: 16 }, worker));
    } finally {
      agent.destroy();
    }
    console.log(JSON.stringify(counts));
    assert.ok((counts[400] ?? 0) > TOTAL / 2);
  });

  test('headers that do not fit', async () => {
    const agent = new http.Agent({ keepAlive: true });
    const [route, body] = VALID[0];
    const bytes = Buffer.from(JSON.stringify(body));
    expectError(await send(agent, route, Buffer.alloc(9 << 20, 32)), '9 MiB');
    const plain = await send(agent, route, bytes, { 'content-type': 'text/plain' });
    assert.ok(plain.status === 200 || plain.status === 415 || plain.status === 400);
    agent.destroy();
  });

  test('broken HTTP', { timeout: 60000 }, async () => {
    const below = random(1);
    const all = [...BROKEN];
    const good = `${H}Authorization: Bearer ${key}\r\nContent-Length: 2\r\n\r\n{}`;
    for (let i = 0; i < 150; ++i) {  // bytes of a head that are not as they were
      const head = Buffer.from(good, 'latin1');
      for (let k = 0; k <= below(3); ++k) head[below(head.length - 6)] = below(256);
      all.push(head);
    }
    for (let i = 0; i < all.length; i += 60)
      await Promise.all(all.slice(i, i + 60).map(async (bytes) => {
        const answer = await raw(Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes, 'latin1'));
        if (answer === '') return;  // closed, or waiting for the rest
        assert.match(answer, /^HTTP\/1\.[01] [245]\d\d /, answer.slice(0, 200));
        const status = Number(answer.slice(9, 12));
        const what = JSON.stringify(bytes.toString('latin1').slice(0, 120));
        assert.ok(status < 500 || status === 501 || status === 505, `${status} to ${what}`);
        if (status < 400) return;
        const body = answer.slice(answer.indexOf('\r\n\r\n') + 4);
        const first = body.startsWith('{') ? body : '';
        assert.ok(first, `no JSON: ${answer.slice(0, 300)} to ${what}`);
        const length = Number(/content-length: (\d+)/i.exec(answer)[1]);
        assert.equal(mistakes('Error', JSON.parse(first.slice(0, length))), '');
      }));
  });

  test('connections that end early', async () => {
    const whole = Buffer.from(`${H}Content-Length: 200\r\n\r\n{"model": "x", "prompt": "a"`);
    for (let cut = 0; cut < whole.length; cut += 7) await raw(whole.subarray(0, cut), { half: true });
  });

  test('the server lives', async () => {
    const health = await fetch(`${url}/health`);
    assert.equal(health.status, 200);
    const agent = new http.Agent();
    const reply = await send(agent, VALID[0][0], Buffer.from(JSON.stringify(VALID[0][1])));
    assert.equal(reply.status, 200, reply.text);
    agent.destroy();
  });
});
