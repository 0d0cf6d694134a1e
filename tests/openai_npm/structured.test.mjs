// response_format and tools: what comes back has the form, whatever the model knows.
import assert from 'node:assert/strict';
import { z } from 'zod';
import { forEachSdk, model, test } from './clients.mjs';
import { conforms } from './schemas.mjs';

const messages = [{ role: 'user', content: 'the weather in JSON please' }];
const CITY = { type: 'object', additionalProperties: false, required: ['city', 'days', 'units'],
  properties: { city: { type: 'string', maxLength: 12 }, days: { type: 'integer', minimum: 1, maximum: 14 }, units: { enum: ['C', 'F', '度'] } } };
const TOOLS = [
  { type: 'function', function: { name: 'get_weather', description: 'Weather of a city', parameters: CITY, strict: true } },
  { type: 'function', function: { name: 'say', parameters: { type: 'object', properties: { text: { type: 'string', maxLength: 8 } }, required: ['text'], additionalProperties: false } } },
];
const SCHEMA_OF = { get_weather: CITY, say: TOOLS[1].function.parameters };
const SCHEMAS = {
  city: CITY,
  nested: { type: 'object', additionalProperties: false, required: ['items', 'kind'], properties: {
    items: { type: 'array', minItems: 1, maxItems: 3, items: { $ref: '#/$defs/point' } },
    kind: { anyOf: [{ type: 'null' }, { const: 'x' }, { type: 'boolean' }] } },
  $defs: { point: { type: 'object', additionalProperties: false, required: ['x', 'y'], properties: { x: { type: 'integer', minimum: -9, maximum: 9 }, y: { type: 'boolean' } } } } },
};

function checkCalls(calls) {
  const ids = new Set();
  for (const call of calls) {
    assert.equal(call.type, 'function');
    assert.match(call.id, /^call_/);
    ids.add(call.id);
    const schema = SCHEMA_OF[call.function.name];
    assert.ok(schema, call.function.name);
    assert.ok(conforms(schema, JSON.parse(call.function.arguments)), call.function.arguments);
  }
  assert.equal(ids.size, calls.length);
}

forEachSdk('structured', ({ client, chat, zod, major, OpenAI }) => {
  const create = (body) => client.chat.completions.create({ model, messages, max_tokens: 160, ...body });

  test('json_object', async () => {
    for (const seed of [1, 2, 3]) {
      const reply = await create({ response_format: { type: 'json_object' }, seed });
      const value = JSON.parse(reply.choices[0].message.content);
      assert.equal(typeof value, 'object');
      assert.ok(!Array.isArray(value));
    }
    await assert.rejects(create({ messages: [{ role: 'user', content: 'hello' }], response_format: { type: 'json_object' } }),
      (error) => error instanceof OpenAI.BadRequestError && error.param === 'messages');
  });

  test('json_schema', async () => {
    for (const [name, schema] of Object.entries(SCHEMAS))
      for (const seed of [1, 2, 3, 4]) {
        const response_format = { type: 'json_schema', json_schema: { name, schema, strict: true } };
        const reply = await create({ response_format, seed });
        const value = JSON.parse(reply.choices[0].message.content);
        assert.ok(conforms(schema, value), JSON.stringify(value));
        assert.equal(reply.choices[0].finish_reason, 'stop');
        if (seed > 2) continue;
        let text = '';
        for await (const chunk of await create({ response_format, seed, stream: true })) text += chunk.choices[0]?.delta.content ?? '';
        assert.equal(text, reply.choices[0].message.content);
      }
  });

  test('zod', async () => {
    const Event = z.object({ name: z.string().max(10), kind: z.enum(['a', 'b']), flags: z.array(z.boolean()).max(3), note: z.null() });
    const response_format = zod.zodResponseFormat(Event, 'event');
    const reply = await chat.parse({ model, messages, max_tokens: 200, response_format, seed: 3 });
    const { parsed } = reply.choices[0].message;
    Event.parse(parsed);
    const stream = chat.stream({ model, messages, max_tokens: 200, response_format, seed: 3 });
    assert.deepEqual((await stream.finalChatCompletion()).choices[0].message.parsed, parsed);
  });

  test('tools that must be called', async () => {
    for (const seed of [1, 2, 3]) {
      const reply = await create({ tools: TOOLS, tool_choice: 'required', seed });
      const [choice] = reply.choices;
      assert.equal(choice.finish_reason, 'tool_calls');
      assert.equal(choice.message.content, null);
      checkCalls(choice.message.tool_calls);
    }
  });

  test('a named tool, streamed and whole', async () => {
    const options = { tools: TOOLS, tool_choice: { type: 'function', function: { name: 'get_weather' } }, seed: 5 };
    const reply = await create(options);
    const calls = reply.choices[0].message.tool_calls;
    assert.equal(calls.length, 1);
    assert.equal(calls[0].function.name, 'get_weather');
    checkCalls(calls);
    const streamed = [];
    let reason;
    for await (const chunk of await create({ ...options, stream: true })) {
      const [choice] = chunk.choices;
      reason = choice.finish_reason ?? reason;
      for (const call of choice.delta.tool_calls ?? []) {
        streamed[call.index] ??= { name: call.function.name, arguments: '' };
        streamed[call.index].arguments += call.function.arguments ?? '';
      }
    }
    assert.deepEqual(streamed, calls.map((call) => call.function));
    assert.ok(['tool_calls', 'stop'].includes(reason));
    const helper = chat.stream({ model, messages, max_tokens: 160, ...options });
    assert.deepEqual((await helper.finalChatCompletion()).choices[0].message.tool_calls[0].function.name, 'get_weather');
  });

  test('auto, none, one at a time', async () => {
    for (const seed of [1, 2, 3]) {
      const { choices: [auto] } = await create({ tools: TOOLS, seed });
      if (auto.finish_reason === 'tool_calls') checkCalls(auto.message.tool_calls);
      else assert.equal(typeof auto.message.content, 'string');
      const { choices: [none] } = await create({ tools: TOOLS, tool_choice: 'none', seed });
      assert.ok(!none.message.tool_calls);
      const { choices: [single] } = await create({ tools: TOOLS, tool_choice: 'required', parallel_tool_calls: false, seed, max_tokens: 300 });
      assert.equal(single.message.tool_calls.length, 1);
    }
  });

  test('the old functions', async () => {
    const functions = TOOLS.map((tool) => ({ name: tool.function.name, parameters: tool.function.parameters }));
    const { choices: [choice] } = await create({ functions, function_call: { name: 'say' }, seed: 1 });
    assert.equal(choice.message.function_call.name, 'say');
    assert.ok(conforms(SCHEMA_OF.say, JSON.parse(choice.message.function_call.arguments)));
    assert.ok(!choice.message.tool_calls);
    assert.ok(['function_call', 'stop'].includes(choice.finish_reason));
    const { choices: [none] } = await create({ functions, function_call: 'none' });
    assert.ok(!none.message.function_call);
  });

  test('runTools', async () => {
    const asked = [];
    const runner = chat.runTools({ model, messages, max_tokens: 160, seed: 2,
      tool_choice: { type: 'function', function: { name: 'get_weather' } },
      tools: [{ type: 'function', function: { ...TOOLS[0].function, parse: JSON.parse, function: (args) => { asked.push(args); return 'rain'; } } }] });
    await runner.done();
    assert.equal(asked.length, 1);
    assert.ok(conforms(CITY, asked[0]));
    // With the answer of the tool in the conversation, back and forth.
    const loop = chat.runTools({ model, messages, max_tokens: 160, seed: 2, tool_choice: 'required',
      tools: [{ type: 'function', function: { ...TOOLS[0].function, parse: JSON.parse, function: () => 'rain' } }] }, { maxChatCompletions: 2 });
    await loop.done();
    assert.ok(loop.messages.filter((message) => message.role === 'tool').length >= 2, `openai ${major}`);
  });

  test('zod tools', async () => {
    const tool = zod.zodFunction({ name: 'place', parameters: z.object({ x: z.number().int(), open: z.boolean() }) });
    const reply = await chat.parse({ model, messages, max_tokens: 120, tools: [tool], tool_choice: 'required', seed: 4 });
    const call = reply.choices[0].message.tool_calls[0];
    assert.equal(typeof call.function.parsed_arguments.open, 'boolean');
  });
});
