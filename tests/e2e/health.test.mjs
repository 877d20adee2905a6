// What fails is left alone for a while; a key that its provider refuses is
// disabled with the provider's words and comes back by a probe; what is wrong
// with a request counts for neither.  Four workers, one mind.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { openWorld, sleep, until } from './world.mjs';

// An upstream that does what each key's entry says, and notes who came.
const plan = {};
let came = [];
const server = http.createServer((req, res) => {
  const key = (req.headers.authorization ?? '').replace('Bearer ', '');
  let body = '';
  req.on('data', (part) => { body += part; });
  req.on('end', () => {
    came.push({ key, at: Date.now(), body: JSON.parse(body || '{}') });
    const does = plan[key] ?? {};
    const status = does.status ?? 200;
    const answer = status === 200 ? {
      id: 'x', object: 'chat.completion', created: 1, model: 'm',
      choices: [{ index: 0, message: { role: 'assistant', content: key.at(-1) }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6 },
    } : { error: { message: does.message ?? 'no', type: does.type ?? 'error', param: null, code: does.code ?? null } };
    setTimeout(() => {
      res.writeHead(status, { 'Content-Type': 'application/json', ...does.headers });
      res.end(JSON.stringify(answer));
    }, does.ms ?? 0);
  });
});

let w, key, url;
before(async () => {
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${server.address().port}/v1`;
  w = await openWorld({
    channels: false,
    settings: { relay_workers: 4, tick_ms: 100, cool_ms: 400, cool_most_ms: 1000, cool_asked_ms: 3600000, probe_ms: 700, probe_most_ms: 1000, retry_wait_ms: 0 },
  });
  ({ key } = w.key());
});
after(async () => { await w?.close(); server.close(); });
beforeEach(() => { came = []; });

let number = 0;
// A model of its own, with a channel for each list of keys, the first preferred.
function setUp(...lists) {
  const model = `model-${++number}`;
  w.price(model);
  const channels = lists.map((keys, i) => {
    const name = `${model}-${i}`;
    const secrets = keys.map((k) => `sk-${model}-0123456789-${k}`);
    secrets.forEach((s) => { delete plan[s]; w.secrets.push(s); });
    w.pontage('channel', 'add', name, '--provider', 'openai', '--base-url', url,
      '--models', model, '--priority', String(10 - i), { input: `${secrets.join('\n')}\n` });
    return { name, secrets };
  });
  return { model, channels, ask: (n = 1) => Promise.all(Array.from({ length: n }, () => w.chat(key, { model }))) };
}
const ok = (all) => assert.deepEqual(all.map((r) => r.status), all.map(() => 200), all.find((r) => r.status !== 200)?.text);
const to = (secret) => came.filter((c) => c.key === secret).length;
const keysOf = (name) => w.pontage('channel', 'keys', name);

test('429 with Retry-After: that key gets nothing until its time, the other serves', async () => {
  const t = setUp(['a', 'b']);
  const [a, b] = t.channels[0].secrets;
  plan[a] = { status: 429, headers: { 'Retry-After': '2' } };
  const began = Date.now();
  await until('it was asked', async () => { ok(await t.ask(1)); return to(a) >= 1; });
  const cooled = Date.now();
  plan[a] = {};
  const before = to(a);
  assert.ok(before >= 1);
  while (Date.now() < began + 1800) ok(await t.ask(8));
  assert.equal(to(a), before, 'asked while it cooled');
  assert.ok(to(b) > 10);
  await until('it serves again', async () => { ok(await t.ask(2)); return to(a) > before + 1; }, 4000);
  assert.ok(came.filter((c) => c.key === a)[before].at >= cooled - 1000 + 1900 - 900);
});

test('500: the channel cools, one request tries, and it is back', async () => {
  const t = setUp(['a'], ['b']);
  const [[a], [b]] = t.channels.map((c) => c.secrets);
  plan[a] = { status: 500 };
  ok(await t.ask(1));
  assert.equal(to(a), 1);
  came = [];
  ok(await t.ask(20));
  assert.equal(to(a), 0);
  assert.equal(to(b), 20);
  // Its time is over: one of many tries, and its failure makes it wait again.
  await sleep(420);
  came = [];
  plan[a] = { status: 500, ms: 300 };
  ok(await t.ask(20));
  assert.equal(to(a), 1, 'half open is one');
  plan[a] = {};
  await until('it is back', async () => { came = []; ok(await t.ask(6)); return to(a) === 6; }, 5000);
});

test('where nobody else is left, one that failed is tried all the same', async () => {
  const t = setUp(['a']);
  plan[t.channels[0].secrets[0]] = { status: 500 };
  for (let i = 0; i < 5; i++) assert.equal((await t.ask(1))[0].status, 502);
  assert.equal(came.length, 5);
  plan[t.channels[0].secrets[0]] = {};
  ok(await t.ask(10));
});

test('all keys asked for time: 429 with the soonest, and nobody is called', async () => {
  const t = setUp(['a', 'b']);
  const [a, b] = t.channels[0].secrets;
  plan[a] = { status: 429, headers: { 'Retry-After': '30' } };
  plan[b] = { status: 429, headers: { 'Retry-After': '20' } };
  await until('both were asked', async () => { await t.ask(1); return to(a) && to(b); });
  came = [];
  const all = await t.ask(8);
  assert.equal(came.length, 0);
  for (const r of all) {
    assert.equal(r.status, 429, r.text);
    assert.equal(r.json.error.code, 'upstream_rate_limited');
    const s = Number(r.headers['retry-after']);
    assert.ok(s >= 15 && s <= 20, `${s} s`);
  }
});

test('401: the key is disabled with the words, without the key, and a probe brings it back', async () => {
  const t = setUp(['a', 'b']);
  const { name, secrets: [a, b] } = t.channels[0];
  plan[a] = { status: 401, message: `Incorrect API key provided: ${a}.`, code: 'invalid_api_key' };
  await until('it was asked', async () => { ok(await t.ask(1)); return to(a) >= 1; });
  await until('disabled', () => keysOf(name).some((k) => k.state === 'disabled'));
  const sick = keysOf(name).find((k) => k.state === 'disabled');
  assert.match(sick.reason, /^401: Incorrect API key provided/);
  w.noSecretsIn(JSON.stringify(keysOf(name)), 'the list of keys');
  came = [];
  ok(await t.ask(24));
  assert.ok(came.filter((c) => c.key === a).every((c) => c.body.max_tokens || c.body.max_completion_tokens), 'only probes');
  assert.ok(to(b) >= 24);
  await until('a probe', () => to(a) >= 2, 4000);
  assert.equal(keysOf(name).filter((k) => k.state === 'disabled').length, 1);
  plan[a] = {};
  await until('it works again', () => keysOf(name).every((k) => k.state === 'ok'), 5000);
  came = [];
  ok(await t.ask(12));
  assert.ok(to(a) >= 2 && to(b) >= 2);
  assert.ok(w.log().some((r) => r.endpoint === 'probe' || r.user === null || r.token === null), 'probes are in the log');
});

test('no credit: the last key takes its channel along, and both come back', async () => {
  const t = setUp(['a'], ['b']);
  const [{ name, secrets: [a] }, { secrets: [b] }] = t.channels;
  plan[a] = { status: 429, type: 'insufficient_quota', code: 'insufficient_quota', message: 'You exceeded your current quota, please check your plan and billing details.' };
  ok(await t.ask(1));
  const show = () => w.pontage('channel', 'show', name);
  await until('disabled', () => show().state === 'disabled');
  assert.match(show().reason, /exceeded your current quota/);
  ok(await t.ask(4));
  assert.equal(to(b), 5);
  plan[a] = {};
  await until('back', () => show().state === 'ok', 5000);
  came = [];
  ok(await t.ask(4));
  assert.equal(to(a), 4);
});

test('a bad request touches nobody, whatever it quotes', async () => {
  const t = setUp(['a']);
  const { name, secrets: [a] } = t.channels[0];
  const message = 'Your prompt said: credit balance is too low, insufficient_quota, invalid_api_key, account deactivated';
  for (const status of [400, 413, 422]) {
    plan[a] = { status, message };
    for (const r of await t.ask(6)) assert.ok(r.status >= 400 && r.status < 600);
    plan[a] = {};
    ok(await t.ask(6));
  }
  assert.ok(keysOf(name).every((k) => k.state === 'ok'));
});

test('auto-disable off: it only cools', async () => {
  const t = setUp(['a', 'b']);
  const { name, secrets: [a] } = t.channels[0];
  w.pontage('channel', 'set', name, '--auto-disable', 'off');
  plan[a] = { status: 401, message: 'no' };
  await until('it was asked', async () => { ok(await t.ask(1)); return to(a) >= 1; });
  ok(await t.ask(1));
  await sleep(300);
  assert.ok(keysOf(name).every((k) => k.state === 'ok'));
  plan[a] = {};
  await until('it serves again', async () => { came = []; ok(await t.ask(4)); return to(a) > 0; }, 4000);
});

test('limits of a channel and of each key: passed over, then told', async () => {
  const t = setUp(['a', 'b'], ['c']);
  const [{ name, secrets: [a, b] }, { name: spare, secrets: [c] }] = t.channels;
  w.pontage('channel', 'set', name, '--key-rpm', '5');
  ok(await t.ask(30));
  assert.equal(to(a), 5);
  assert.equal(to(b), 5);
  assert.equal(to(c), 20);
  w.pontage('channel', 'set', spare, '--rpm', '3');
  const all = await t.ask(8);
  const refused = all.filter((r) => r.status !== 200);
  assert.equal(refused.length, 5);
  for (const r of refused) {
    assert.equal(r.status, 429, r.text);
    assert.ok(Number(r.headers['retry-after']) > 30 && Number(r.headers['retry-after']) <= 60, r.headers['retry-after']);
  }
});
