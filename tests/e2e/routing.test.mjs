// Which channel and which model serve, what is said of it and what is paid.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { openWorld, until } from './world.mjs';

// An upstream that notes who asked for what; a model "bad..." fails.
let came = [];
const server = http.createServer((req, res) => {
  let body = '';
  req.on('data', (part) => { body += part; });
  req.on('end', () => {
    const asked = JSON.parse(body || '{}');
    const key = (req.headers.authorization ?? '').replace('Bearer ', '');
    came.push({ key, headers: req.headers, ...asked });
    const status = asked.model?.startsWith('bad') ? 500 : 200;
    res.writeHead(status, { 'Content-Type': 'application/json' });
    res.end(JSON.stringify(status !== 200 ? { error: { message: 'no' } } : {
      id: 'x', object: 'chat.completion', created: 1, model: asked.model,
      choices: [{ index: 0, message: { role: 'assistant', content: 'ok' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1000, completion_tokens: 1000, total_tokens: 2000 },
    }));
  });
});
let w, key, token, url;

before(async () => {
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${server.address().port}/v1`;
  w = await openWorld({ channels: false });
  w.user('ann', '100');
  token = w.key({ user: 'ann' });
  ({ key } = token);
});
after(async () => { await w?.close(); server.close(); });
beforeEach(() => { came = []; });

const add = (name, ...more) => w.pontage('channel', 'add', name, '--provider', 'openai', '--base-url', url,
  ...more, { input: `sk-${name}-0123456789-a\nsk-${name}-0123456789-b\n` });
const chat = (model, more = {}, headers = {}, by = key) => w.chat(by, { model, ...more }, headers);
const row = (id) => until('its row', () => w.log().find((r) => r.request_id === id && r.state !== 'open'));

test('patterns serve what has a price, and /v1/models lists it', async () => {
  ['pat-one', 'pat-two', 'pat-re-7', 'exact'].forEach((m) => w.price(m));
  add('patterns', '--models', 'pat-*,re:^pat-re-[0-9]$,exact', '--map', 'pat-*=vendor/*,exact=theirs');
  for (const [model, upstream] of [['pat-one', 'vendor/one'], ['pat-re-7', 'vendor/re-7'], ['exact', 'theirs']]) {
    assert.equal((await chat(model)).status, 200);
    assert.equal(came.at(-1).model, upstream);
  }
  const list = JSON.parse((await w.request({ path: '/v1/models', headers: { Authorization: `Bearer ${key}` } })).text);
  assert.deepEqual(list.data.map((m) => m.id).filter((id) => /^pat|^exact/.test(id)).sort(), ['exact', 'pat-one', 'pat-re-7', 'pat-two']);
  const unpriced = await chat('pat-nobody-priced-it');
  assert.equal(unpriced.status, 400);
  assert.equal(JSON.parse(unpriced.text).error.code, 'model_price_missing');
  assert.equal((await chat('nothing-like-it')).status, 404);
});

test('a channel changes bodies and headers', async () => {
  w.price('changed');
  add('changes', '--models', 'changed', '--params', '{"temperature":0.25,"seed":null}',
    '--headers', '{"X-Team":"blue"}', '--system-prompt', 'Be kind.');
  assert.equal((await chat('changed', { temperature: 2, seed: 7 })).status, 200);
  const [got] = came;
  assert.equal(got.temperature, 0.25);
  assert.equal('seed' in got, false);
  assert.equal(got.headers['x-team'], 'blue');
  assert.equal(got.messages[0].content, 'Be kind.');
});

test('a fallback serves, says so, and is what is paid', async () => {
  w.price('dear');
  w.pontage('price', 'set', 'cheap', '--input', '0.5', '--output', '0.5');
  add('broken', '--models', 'dear', '--map', 'dear=bad');
  add('spare', '--models', 'cheap');
  w.pontage('fallback', 'set', 'dear', 'cheap');
  const r = await chat('dear');
  assert.equal(r.status, 200, r.text);
  assert.equal(r.headers['x-pontage-model'], 'cheap');
  const id = r.headers['x-request-id'];
  const line = await row(id);
  assert.equal(line.model_asked, 'dear');
  assert.equal(line.model_served, 'cheap');
  assert.equal(line.channel, 'spare');
  assert.equal(line.cost_nusd, 1000000); // 2,000 tokens at half a dollar
  assert.ok(line.attempts > 1);
  const route = w.pontage('log', 'show', id).route;
  assert.deepEqual(route.map((c) => [c.channel, c.why]),
    [['broken', 'taken'], ['broken', 'other_key'], ['spare', 'fallback'], ['spare', 'fallback']]);
  w.pontage('fallback', 'remove', 'dear');
  assert.equal((await chat('dear')).status, 502);
});

test('only an administrator may name the channel', async () => {
  w.price('named');
  add('first', '--models', 'named', '--priority', '9');
  add('second', '--models', 'named');
  const root = w.key();
  const refused = await chat('named', {}, { 'X-Pontage-Channel': 'second' });
  assert.equal(refused.status, 403);
  assert.equal(JSON.parse(refused.text).error.code, 'permission_denied');
  assert.equal(came.length, 0);
  for (const name of ['second', String(w.pontage('channel', 'show', 'second').id)]) {
    assert.equal((await chat('named', {}, { 'X-Pontage-Channel': name }, root.key)).status, 200);
    assert.match(came.at(-1).key, /^sk-second/);
  }
  assert.equal((await chat('named', {}, { 'X-Pontage-Channel': 'nobody' }, root.key)).status, 400);
  const [a] = w.pontage('route', 'explain', '--model', 'named', '--token', token.name);
  assert.deepEqual([a.place, a.channel, a.why], [1, 'first', 'taken']);
});

test('a conversation stays on its key, others spread', async () => {
  w.price('sticky');
  add('s1', '--models', 'sticky');
  add('s2', '--models', 'sticky');
  w.pontage('model', 'set', 'sticky', '--sticky', 'prompt');
  const talk = (n) => ({ messages: [{ role: 'system', content: 's' }, { role: 'user', content: `talk ${n}` }] });
  for (let i = 0; i < 8; i++) assert.equal((await chat('sticky', talk(1))).status, 200);
  assert.equal(new Set(came.map((c) => c.key)).size, 1);
  for (let i = 0; i < 24; i++) await chat('sticky', talk(i));
  assert.ok(new Set(came.map((c) => c.key)).size >= 3, 'they do not spread');
});

test('keys take turns, are added, disabled and removed one by one', async () => {
  w.price('turns');
  add('turning', '--models', 'turns');
  const used = async (n) => { came = []; for (let i = 0; i < n; i++) assert.equal((await chat('turns')).status, 200); return new Set(came.map((c) => c.key.at(-1))); };
  assert.deepEqual([...await used(8)].sort(), ['a', 'b']);
  const keys = w.pontage('channel', 'keys', 'turning', 'add', { input: 'sk-turning-0123456789-c\n' });
  assert.equal(keys.length, 3);
  w.pontage('channel', 'keys', 'turning', 'name', String(keys[0].id), 'old');
  w.pontage('channel', 'keys', 'turning', 'disable', 'old', 'rotated');
  assert.deepEqual([...await used(8)].sort(), ['b', 'c']);
  w.pontage('channel', 'keys', 'turning', 'remove', 'old');
  assert.equal(w.pontage('channel', 'keys', 'turning').length, 2);
});

test('many channels by a tag; models of a provider compared', async () => {
  w.channel('t1', { names: ['mock-echo', 'gone'], tags: 'eu,big' });
  w.channel('t2', { names: ['mock-echo'], tags: 'eu' });
  w.pontage('channel', 'set', '--tag', 'eu', '--weight', '9', '--notes', 'both');
  assert.deepEqual(['t1', 't2'].map((n) => w.pontage('channel', 'show', n).weight), [9, 9]);
  assert.notEqual(w.run('channel', 'set', '--tag', 'nobody', '--weight', '9').status, 0);
  const diff = w.pontage('channel', 'fetch-models', 't1', '--apply');
  assert.deepEqual([diff.gone, diff.same], [['gone'], ['mock-echo']]);
  assert.deepEqual(diff.new.concat(diff.same).sort(), diff.models.toSorted());
  assert.deepEqual(w.pontage('channel', 'show', 't1').models, diff.models.toSorted());
});
