// The official SDK against the gateway: an application that only changed its
// base URL.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { openWorld, price, until } from './world.mjs';

let w, key, client;
const say = (content) => [{ role: 'user', content }];

before(async () => {
  w = await openWorld();
  key = w.key().key;
  client = new OpenAI({ apiKey: key, baseURL: `${w.base}/v1`, maxRetries: 0 });
});
after(() => w?.close());

const rowOf = (id) => until(`the row of ${id}`, () =>
  w.log().find((r) => r.request_id === id && r.state !== 'open'));

test('a chat completion comes back and has its row', async () => {
  const { data, response } = await client.chat.completions.create(
    { model: 'mock-echo', messages: say('Hello, bridge') }).withResponse();
  assert.equal(data.choices[0].message.content, 'echo: Hello, bridge');
  assert.equal(data.choices[0].finish_reason, 'stop');
  assert.match(data._request_id, /^req_.{22}$/);
  const row = await rowOf(response.headers.get('x-request-id'));
  assert.equal(row.model_asked, 'mock-echo');
  assert.equal(row.prompt_tokens, data.usage.prompt_tokens);
  assert.equal(row.completion_tokens, data.usage.completion_tokens);
  assert.equal(row.cost_nusd,
    data.usage.prompt_tokens * price.input * 1000 + data.usage.completion_tokens * price.output * 1000);
  assert.equal(row.status, 200);
  assert.equal(row.attempts, 1);
});

test('a stream arrives piece by piece', async () => {
  const stream = await client.chat.completions.create(
    { model: 'mock-stream-20-5', messages: say('count'), stream: true });
  let pieces = 0, finish = null;
  for await (const chunk of stream) {
    assert.equal(chunk.usage ?? null, null, 'usage was not asked for');
    if (chunk.choices[0]?.delta?.content) pieces++;
    finish = chunk.choices[0]?.finish_reason ?? finish;
  }
  assert.equal(pieces, 20);
  assert.equal(finish, 'stop');
});

test('the events of a stream are not collected on the way', async () => {
  const times = [];
  const stream = await client.chat.completions.create(
    { model: 'mock-stream-20-5', messages: say('count'), stream: true });
  for await (const chunk of stream)
    if (chunk.choices[0]?.delta?.content) times.push(performance.now());
  assert.ok(times.at(-1) - times[0] > 50, `all within ${times.at(-1) - times[0]} ms`);
});

test('usage comes at the end of a stream where it was asked for', async () => {
  const stream = await client.chat.completions.create({
    model: 'mock-echo', messages: say('Hello'), stream: true, stream_options: { include_usage: true },
  });
  let text = '', usage = null;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? '';
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, 'echo: Hello');
  assert.ok(usage.prompt_tokens > 0 && usage.completion_tokens > 0);
});

test('the stream helper puts a message together', async () => {
  const stream = client.chat.completions.stream({ model: 'mock-echo', messages: say('together') });
  assert.equal(await stream.finalContent(), 'echo: together');
});

const tools = [{
  type: 'function',
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
}];

for (const stream of [false, true])
  test(`a tool is called, ${stream ? 'streamed' : 'whole'}`, async () => {
    const ask = { model: 'mock-tools', messages: say('call weather {"city":"Pont-Aven"}'), tools };
    const done = stream
      ? await client.chat.completions.stream(ask).finalChatCompletion()
      : await client.chat.completions.create(ask);
    const call = done.choices[0].message.tool_calls[0];
    assert.equal(call.function.name, 'weather');
    assert.equal(typeof JSON.parse(call.function.arguments), 'object');
    assert.equal(done.choices[0].finish_reason, 'tool_calls');
  });

test('embeddings: the SDK asks for base64 and reads numbers', async () => {
  const made = await client.embeddings.create({ model: 'mock-embed', input: 'a bridge' });
  assert.ok(made.data[0].embedding.length > 0);
  for (const x of made.data[0].embedding) assert.ok(Number.isFinite(x));
  assert.match(await w.mock.last(), /"encoding_format":\s*"base64"/);
});

test('completions of the old kind', async () => {
  const made = await client.completions.create({ model: 'mock-echo', prompt: 'old' });
  assert.match(made.choices[0].text, /old/);
});

test('models: those of the key, and one of them', async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.ok(names.includes('mock-echo'));
  assert.equal((await client.models.retrieve('mock-echo')).id, 'mock-echo');
  const narrow = new OpenAI({ apiKey: w.key({ models: 'mock-echo' }).key, baseURL: `${w.base}/v1`, maxRetries: 0 });
  const few = [];
  for await (const model of narrow.models.list()) few.push(model.id);
  assert.deepEqual(few, ['mock-echo']);
});

const chat = (model, c = client, more = {}) => () => c.chat.completions.create({ model, messages: say('hi'), ...more });

const errors = [
  ['a wrong key', OpenAI.AuthenticationError, () =>
    chat('mock-echo', new OpenAI({ apiKey: 'sk-wrong', baseURL: `${w.base}/v1`, maxRetries: 0 }))],
  ['an unknown model', OpenAI.NotFoundError, () => chat('no-such-model')],
  ['a bad parameter', OpenAI.BadRequestError, () => chat('mock-echo', client, { temperature: 7 })],
  ['what the upstream refuses', OpenAI.BadRequestError, () => chat('mock-400')],
  ['an upstream that is rate limited', OpenAI.RateLimitError, () => chat('mock-429')],
  ['no money', OpenAI.RateLimitError, () =>
    chat('mock-echo', new OpenAI({ apiKey: w.key({ limit: '0.000000001' }).key, baseURL: `${w.base}/v1`, maxRetries: 0 }))],
  ['an upstream that fails', OpenAI.InternalServerError, () => chat('mock-500')],
];

for (const [what, kind, make] of errors)
  test(`${what} is a ${kind.name}`, async () => {
    await assert.rejects(make(), (e) => {
      assert.equal(e.constructor, kind, String(e));
      assert.deepEqual(Object.keys(e.error).sort(), ['code', 'message', 'param', 'type']);
      assert.ok(e.requestID, 'an error has a request id');
      w.noSecretsIn(JSON.stringify(e.error), 'an error');
      return true;
    });
  });

test('the SDK does not try again where there is no money', async () => {
  const poor = w.key({ limit: '0.000000001' });
  const patient = new OpenAI({ apiKey: poor.key, baseURL: `${w.base}/v1`, maxRetries: 3 });
  await assert.rejects(chat('mock-echo', patient), OpenAI.RateLimitError);
  await until('its row', () => w.log('--token', poor.name).length > 0);
  assert.equal(w.log('--token', poor.name).length, 1);
});

test('a stream that is given up ends upstream, and what came is paid', async () => {
  const before = await w.mock.stats();
  const mine = w.key();
  const c = new OpenAI({ apiKey: mine.key, baseURL: `${w.base}/v1`, maxRetries: 0 });
  const stream = await c.chat.completions.create(
    { model: 'mock-stream-400-10', messages: say('count'), stream: true });
  let n = 0;
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta?.content && ++n === 10) break;
  }
  await until('the upstream is left', async () =>
    (await w.mock.stats()).aborted > before.aborted, 5000);
  const row = await until('its row', () =>
    w.log('--token', mine.name).find((r) => r.state !== 'open'));
  assert.ok(row.completion_tokens > 0 && row.completion_tokens < 400, `${row.completion_tokens} tokens`);
  assert.ok(row.cost_nusd > 0);
});
