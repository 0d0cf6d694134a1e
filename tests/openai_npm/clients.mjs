// The three majors of OpenAI's client for JavaScript, each with a fetch that checks what passes.
import OpenAI4 from 'openai4';
import OpenAI5 from 'openai5';
import OpenAI6 from 'openai6';
import * as zod4 from 'openai4/helpers/zod';
import * as zod5 from 'openai5/helpers/zod';
import * as zod6 from 'openai6/helpers/zod';
import { after, afterEach, before, describe, test } from 'node:test';
import { watchedFetch } from './wire.mjs';

export const url = process.env.PARLEY_URL;
export const key = process.env.PARLEY_KEY || 'none';
export const model = process.env.PARLEY_MODEL ?? 'gpt-3.5-turbo';

const MAJORS = [[4, OpenAI4, zod4], [5, OpenAI5, zod5], [6, OpenAI6, zod6]];

// Runs define({major, OpenAI, client, make, chat, zod}) for each major: `make(options)` is another client, `chat` the place of the
// helpers parse, stream and runTools.
export function forEachSdk(name, define) {
  for (const [major, OpenAI, zod] of MAJORS)
    describe(`${name}, openai ${major}`, { skip: url ? false : 'PARLEY_URL is not set; use npm test' }, () => {
      const watched = watchedFetch();
      afterEach(() => watched.settled());
      const make = (options = {}) => new OpenAI({ baseURL: `${url}/v1`, apiKey: key, fetch: watched, maxRetries: 0, timeout: 60000, ...options });
      const client = make();
      define({ major, OpenAI, client, make, zod, chat: major === 4 ? client.beta.chat.completions : client.chat.completions });
    });
}

// A call of what is beyond OpenAI's API.
export async function post(route, body) {
  const response = await fetch(`${url}${route}`, { method: 'POST', body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` } });
  if (!response.ok) throw new Error(`${route}: ${response.status} ${await response.text()}`);
  return response.json();
}

export const tokenize = async (prompt) => (await post('/tokenize', { model, prompt })).tokens;

export { after, before, test };
