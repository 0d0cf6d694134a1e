// JSON schemas of OpenAI's replies, made from the official package's own TypeScript declarations, with what the declarations have wrong.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Ajv from 'ajv';
import { createGenerator } from 'ts-json-schema-generator';

const REPLIES = {
  ChatCompletion: 'chat/completions',
  ChatCompletionChunk: 'chat/completions',
  Completion: 'completions',
  CreateEmbeddingResponse: 'embeddings',
  ModerationCreateResponse: 'moderations',
  Model: 'models',
};

const nullable = (schema) => ({ anyOf: [schema, { type: 'null' }] });

// Where the declarations and OpenAI's own server differ, and what this server adds.
function patch(definitions) {
  const of = (name) => definitions[name].properties;
  // Streamed completions: null until the last chunk, and in all but the usage chunk.
  of('CompletionChoice').finish_reason = nullable(of('CompletionChoice').finish_reason);
  of('Completion').usage = nullable(of('Completion').usage);
  // The first token of an echoed prompt has none.
  of('CompletionChoice.Logprobs').token_logprobs.items = nullable({ type: 'number' });
  of('CompletionChoice.Logprobs').top_logprobs = nullable({
    type: 'array', items: nullable({ type: 'object', additionalProperties: { type: 'number' } }) });
  // base64 instead of numbers, when it was asked for.
  of('Embedding').embedding = { anyOf: [of('Embedding').embedding, { type: 'string' }] };
  for (const name of ['ChatCompletion', 'ChatCompletionChunk', 'Completion'])
    of(name).system_fingerprint = nullable(of(name).system_fingerprint);
  // Text models have no images to speak of.
  if (definitions.Moderation) definitions.Moderation.required = definitions.Moderation.required.filter((key) => key !== 'category_applied_input_types');
  // Beyond OpenAI's.
  Object.assign(of('Model'), { context_length: { type: 'integer', minimum: 1 }, root: { type: 'string' } });
  // Times and counts are whole.
  for (const name of ['ChatCompletion', 'ChatCompletionChunk', 'Completion', 'Model']) of(name).created = { type: 'integer', minimum: 0 };
  for (const name of ['prompt_tokens', 'completion_tokens', 'total_tokens']) of('CompletionUsage')[name] = { type: 'integer', minimum: 0 };
  // The SDKs' accumulators break on an empty list.
  of('ChatCompletionMessage').tool_calls.minItems = 1;
  return definitions;
}

export function generateSchemas() {
  const packages = path.join(import.meta.dirname, 'node_modules/openai6/resources');
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-types-'));
  try {
    const entry = path.join(folder, 'replies.ts');
    const lines = Object.entries(REPLIES).map(([type, file]) => `import { ${type} } from '${packages}/${file}';`);
    fs.writeFileSync(entry, `${lines.join('\n')}\nexport interface Replies { ${Object.keys(REPLIES).map((type) => `${type}: ${type}`).join('; ')} }\n`);
    const generator = createGenerator({ path: entry, type: 'Replies', skipTypeCheck: true, additionalProperties: false, expose: 'all', jsDoc: 'none' });
    return patch(generator.createSchema('Replies').definitions);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

const ERROR = {
  type: 'object', required: ['error'], additionalProperties: false,
  properties: { error: {
    type: 'object', required: ['message', 'type', 'param', 'code'], additionalProperties: false,
    properties: { message: { type: 'string', minLength: 1 }, type: { type: 'string', minLength: 1 },
      param: { type: ['string', 'null'] }, code: { type: ['string', 'null'] } } } },
};

let ajv;
// The mistakes of `value` as one text, empty if it is of the type.
export function mistakes(type, value) {
  if (!ajv) {
    const file = process.env.PARLEY_SCHEMAS;
    const definitions = file ? JSON.parse(fs.readFileSync(file, 'utf8')) : generateSchemas();
    ajv = new Ajv({ strict: false, allErrors: true });
    ajv.addSchema({ $id: 'replies', definitions: { ...definitions, Error: ERROR,
      ModelList: { type: 'object', required: ['object', 'data'], additionalProperties: false,
        properties: { object: { const: 'list' }, data: { type: 'array', items: { $ref: '#/definitions/Model' } } } } } });
  }
  const validate = ajv.getSchema(`replies#/definitions/${type}`);
  if (!validate) throw new Error(`no schema of ${type}`);
  if (validate(value)) return '';
  return `${type}: ${ajv.errorsText(validate.errors, { separator: '; ' })}\n${JSON.stringify(value).slice(0, 2000)}`;
}

// Whether `value` has the form of any JSON schema.
export function conforms(schema, value) {
  return new Ajv({ strict: false }).validate(schema, value);
}
