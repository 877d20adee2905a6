// What a budget does to answers: more is held while they grow, and they end
// where it ends.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import OpenAI from 'openai';
import { openWorld, price, sleep, until } from './world.mjs';

let w;
const say = [{ role: 'user', content: 'go on' }];
const nusdOf = (tokens) => tokens * price.output * 1000;
const rowOf = (id) => until(`the row of ${id}`, () =>
  w.log().find((r) => r.request_id === id && r.state !== 'open'));
const sdk = (key) => new OpenAI({ apiKey: key, baseURL: `${w.base}/v1`, maxRetries: 0 });

before(async () => {
  w = await openWorld({ names: ['mock-flood', 'mock-echo'] });
  w.pontage('channel', 'add', 'test', '--provider', 'test', '--models', 'test-long-100000,test-echo');
  for (const model of ['test-long-100000', 'test-echo']) w.price(model);
});
after(() => w?.close());

// All that the SDK reads of a stream, to its end.
async function read(client, ask) {
  const { data, response } = await client.chat.completions.create(
    { messages: say, stream: true, ...ask }).withResponse();
  const got = { id: response.headers.get('x-request-id'), text: '', finish: [], usage: null, ids: new Set() };
  for await (const chunk of data) {
    got.ids.add(chunk.id);
    got.usage = chunk.usage ?? got.usage;
    for (const choice of chunk.choices) {
      got.text += choice.delta?.content ?? '';
      if (choice.finish_reason) got.finish.push(choice.finish_reason);
    }
  }
  return got;
}

test('a flood ends with "length" where the money ends', async () => {
  // 4,096 tokens are held at once, some of the next step are left.
  const key = w.key({ limit: '0.010' });
  const got = await read(sdk(key.key), { model: 'mock-flood', stream_options: { include_usage: true } });
  assert.deepEqual(got.finish, ['length']);
  assert.equal(got.ids.size, 1);
  const row = await rowOf(got.id);
  assert.equal(row.stopped, true);
  assert.equal(row.error, null);
  assert.equal(row.status, 200);
  assert.equal(row.completion_tokens, got.usage.completion_tokens);
  assert.ok(row.completion_tokens > 4096, `${row.completion_tokens} tokens`);
  assert.ok(row.cost_nusd <= 10_000_000, `${row.cost_nusd} of 10000000`);
  assert.ok(row.cost_nusd > 9_500_000, `${row.cost_nusd}: all but the prompt's reserve is used`);
  assert.equal(row.overshoot, false);
  await w.audit();
});

test('the test provider counts as far as the money goes', async () => {
  const key = w.key({ limit: '0.050' }); // 25,000 tokens: five steps and a part of one
  const got = await read(sdk(key.key), { model: 'test-long-100000' });
  assert.deepEqual(got.finish, ['length']);
  assert.match(got.text, /^1 2 3 /);
  const row = await rowOf(got.id);
  assert.equal(row.stopped, true);
  assert.ok(row.cost_nusd > 49_000_000 && row.cost_nusd <= 50_000_000, `${row.cost_nusd}`);
});

test('two answers end both', async () => {
  const key = w.key({ limit: '0.020' });
  const got = await read(sdk(key.key), { model: 'test-long-100000', n: 2 });
  assert.deepEqual(got.finish, ['length', 'length']);
});

test('its bytes end as any stream does', async () => {
  const key = w.key({ limit: '0.010' });
  const r = await w.chat(key.key, { model: 'mock-flood', stream: true });
  assert.ok(r.text.endsWith('"finish_reason":"length"}]}\n\ndata: [DONE]\n\n'), r.text.slice(-300));
  assert.equal(r.text.split('data: [DONE]').length, 2);
});

test('the balance of a user who streams all he has is not below zero', async () => {
  const user = w.user('streamer', '0.030');
  const keys = Array.from({ length: 6 }, () => w.key({ user }));
  const all = await Promise.all(keys.map((k) => w.chat(k.key, { model: 'mock-flood', stream: true })));
  const rows = await until('all rows', () => {
    const found = w.log('--user', 'streamer').filter((r) => r.state !== 'open');
    return found.length >= all.length && found;
  });
  const paid = rows.reduce((sum, r) => sum + r.cost_nusd, 0);
  assert.ok(paid <= 30_000_000 && paid > 25_000_000, `${paid} of 30000000`);
  for (const r of all)
    if (r.status === 200) assert.match(r.text, /"finish_reason":"length"[^\n]*\n\ndata: \[DONE\]\n\n$/);
    else assert.equal(r.json.error.code, 'insufficient_quota');
  await w.audit();
});

for (const stream of [false, true])
  test(`the upstream is told what can be afforded, ${stream ? 'streamed' : 'whole'}`, async () => {
    const key = w.key({ limit: '0.0002' });
    const r = await w.chat(key.key, { model: 'mock-echo', stream });
    assert.equal(r.status, 200);
    const [, told] = (await w.mock.last()).match(/"max_completion_tokens":(\d+)/);
    assert.ok(told >= 16 && told <= 100, `limit ${told}`);
    const row = await rowOf(r.headers['x-request-id']);
    assert.ok(row.reserved_nusd <= 200_000 && row.reserved_nusd >= nusdOf(told));
  });

test('no limit is added where there is money', async () => {
  await w.chat(w.key({ limit: '1.00' }).key, { model: 'mock-echo' });
  const body = await w.mock.last();
  assert.ok(!/max_(completion_)?tokens/.test(body), body);
});

test('less than 16 tokens of output are refused', async () => {
  const r = await w.chat(w.key({ limit: '0.000020' }).key, { model: 'mock-echo' });
  assert.equal(r.status, 429);
  assert.equal(r.json.error.code, 'insufficient_quota');
});

test('what is named is held, and nothing more', async () => {
  const key = w.key({ limit: '1.00' });
  const r = await w.chat(key.key, { model: 'mock-echo', max_tokens: 50, n: 1 });
  const row = await rowOf(r.headers['x-request-id']);
  assert.ok(row.reserved_nusd >= nusdOf(50) && row.reserved_nusd < nusdOf(60) + 1_000_000, `${row.reserved_nusd}`);
});

// While somebody has the database nothing can be held: a stream that needs
// more waits, is not cut, and goes on.
async function withLock(ms, during) {
  const db = new DatabaseSync(path.join(w.state, 'pontage.db'));
  db.exec('PRAGMA busy_timeout = 5000');
  db.exec('BEGIN IMMEDIATE');
  try {
    await Promise.all([sleep(ms), during()]);
  } finally {
    db.exec('ROLLBACK');
    db.close();
  }
}

// A flood whose reading can be looked at, and left.
async function flood(key) {
  const abort = new AbortController();
  const r = await fetch(`${w.base}/v1/chat/completions`, {
    method: 'POST', signal: abort.signal,
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: 'mock-flood', messages: say, stream: true }),
  });
  const got = { id: r.headers.get('x-request-id'), text: '', leave: () => abort.abort() };
  const decoder = new TextDecoder();
  got.over = (async () => {
    try {
      for await (const part of r.body) got.text += decoder.decode(part, { stream: true });
    } catch { /* it was left */ }
  })();
  return got;
}
const still = (got) => until('the stream waits', async () => {
  const before = got.text.length;
  await sleep(300);
  return before > 0 && got.text.length === before;
});

test('a locked database makes a stream wait, and nothing worse', async () => {
  const key = w.key({ limit: '0.40' });
  const got = await flood(key.key);
  await withLock(1200, async () => {
    await still(got);
    assert.ok(!got.text.includes('[DONE]'), 'it was over before the lock');
  });
  await got.over;
  assert.ok(got.text.endsWith('"finish_reason":"length"}]}\n\ndata: [DONE]\n\n'), got.text.slice(-300));
  const row = await rowOf(got.id);
  assert.equal(row.stopped, true);
  assert.ok(row.cost_nusd > 390_000_000 && row.cost_nusd <= 400_000_000, JSON.stringify(row));
});

test('a caller who leaves while it waits pays what came', async () => {
  const key = w.key({ limit: '1.00' });
  const got = await flood(key.key);
  await withLock(1200, async () => {
    await still(got);
    got.leave();
    await got.over;
  });
  const row = await rowOf(got.id);
  assert.equal(row.error, 'client_closed_request');
  assert.ok(row.cost_nusd > 0 && row.cost_nusd <= row.reserved_nusd, JSON.stringify(row));
  await w.audit();
});
