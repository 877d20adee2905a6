// Idempotency-Key: a request that must not run twice, runs once.
import assert from 'node:assert/strict';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { openWorld, sleep, until } from './world.mjs';

let w, key;
let number = 0;
const fresh = () => `key-of-a-test-${++number}`;

before(async () => {
  w = await openWorld({ settings: { idempotency_answer_bytes: 50000, progress_ms: 100 } });
  key = w.key().key;
});
after(() => w?.close());

const ask = (idem, body = {}, as = key) => w.chat(as, body, idem === undefined ? {} : { 'Idempotency-Key': idem });
const upstream = async () => (await w.mock.stats()).requests;
const settled = () => until('all is settled', () => !w.log().some((r) => r.state === 'open'));
const code = (r) => [r.status, r.json?.error?.code];

test('the same request again is the same answer, and costs nothing', async () => {
  const k = fresh();
  await w.mock.reset();
  const first = await ask(k);
  assert.equal(first.status, 200);
  await settled();
  const rows = w.log().length;
  const again = await ask(k);
  assert.equal(again.status, 200);
  assert.equal(again.text, first.text);
  assert.equal(again.headers['content-type'], 'application/json');
  assert.equal(again.headers['idempotent-replayed'], 'true');
  assert.equal(again.headers['x-pontage-receipt'], first.headers['x-request-id'], 'the receipt is that of the first');
  assert.match(again.headers['x-request-id'], /^req_.{22}$/);
  assert.notEqual(again.headers['x-request-id'], first.headers['x-request-id']);
  assert.equal(first.headers['idempotent-replayed'], undefined);
  assert.equal(await upstream(), 1);
  assert.equal(w.log().length, rows, 'rows of the log');
});

test('members in another order are the same request', async () => {
  const k = fresh();
  await w.mock.reset();
  const one = await ask(k, '{"model":"mock-echo","messages":[{"role":"user","content":"hi"}]}');
  await settled();
  const two = await ask(k, '{ "messages": [{"content":"h\\u0069", "role":"user"}], "mod\\u0065l":"mock-echo"}');
  assert.equal(two.headers['idempotent-replayed'], 'true', two.text);
  assert.equal(two.text, one.text);
  assert.equal(await upstream(), 1);
});

test('the key with another body is refused', async () => {
  const k = fresh();
  await ask(k);
  await settled();
  const r = await ask(k, { max_tokens: 2 });
  assert.deepEqual(code(r), [422, 'idempotency_key_reused']);
  assert.deepEqual(Object.keys(r.json.error).sort(), ['code', 'message', 'param', 'type']);
});

test('the key at another address is another request', async () => {
  const k = fresh();
  const body = JSON.stringify({ model: 'mock-echo', prompt: 'hi', messages: [{ role: 'user', content: 'hi' }] });
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${key}`, 'Idempotency-Key': k };
  const post = (at) => w.request({ method: 'POST', path: at, headers, body });
  assert.equal((await post('/v1/completions')).status, 200);
  await settled();
  assert.deepEqual(code(await post('/v1/chat/completions')), [422, 'idempotency_key_reused']);
});

test('another API key has its own', async () => {
  const k = fresh();
  await w.mock.reset();
  await ask(k);
  const r = await ask(k, {}, w.key().key);
  assert.equal(r.status, 200);
  assert.equal(r.headers['idempotent-replayed'], undefined);
  assert.equal(await upstream(), 2);
});

test('while the first runs: 409, and to be tried again', async () => {
  const k = fresh();
  await w.mock.reset();
  const first = ask(k, { model: 'mock-delay-2000' });
  await until('it runs', async () => (await upstream()) === 1);
  const r = await ask(k, { model: 'mock-delay-2000' });
  assert.deepEqual(code(r), [409, 'idempotency_in_progress']);
  assert.equal(r.headers['retry-after'], '1');
  assert.equal((await first).status, 200);
  await settled();
  assert.equal((await ask(k, { model: 'mock-delay-2000' })).headers['idempotent-replayed'], 'true');
  assert.equal(await upstream(), 1);
});

test('a client that hangs up finds the answer when it asks again', async () => {
  const k = fresh();
  const body = { model: 'mock-delay-2000', messages: [{ role: 'user', content: 'safe to retry' }] };
  const abort = new AbortController();
  await w.mock.reset();
  const gone = fetch(`${w.base}/v1/chat/completions`, {
    method: 'POST', signal: abort.signal, body: JSON.stringify(body),
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json', 'Idempotency-Key': k },
  }).then(() => 'answered', () => 'gone');
  await until('it runs', async () => (await upstream()) === 1);
  abort.abort();
  assert.equal(await gone, 'gone');
  await sleep(200);
  const early = await ask(k, body);
  assert.deepEqual(code(early), [409, 'idempotency_in_progress']);
  await settled();
  const again = await ask(k, body);
  assert.equal(again.status, 200, again.text);
  assert.equal(again.headers['idempotent-replayed'], 'true');
  assert.equal(await upstream(), 1);
  const row = w.log().find((r) => r.request_id === again.headers['x-pontage-receipt']);
  assert.ok(!row.error);
  assert.ok(row.cost_nusd > 0);
});

test('64 at once: exactly one goes upstream', async () => {
  const k = fresh();
  await w.mock.reset();
  const all = await Promise.all(Array.from({ length: 64 }, () => ask(k, { model: 'mock-delay-300' })));
  assert.equal(await upstream(), 1, 'requests upstream');
  const good = all.filter((r) => r.status === 200);
  const busy = all.filter((r) => r.status === 409);
  assert.equal(good.length + busy.length, 64);
  assert.ok(good.length >= 1);
  for (const r of good) assert.equal(r.text, good[0].text);
  for (const r of busy) assert.equal(r.json.error.code, 'idempotency_in_progress');
});

test('64 at once, each until it has an answer: one bill', async () => {
  const k = fresh();
  const buyer = w.key();
  await w.mock.reset();
  const insist = async () => {
    for (;;) {
      const r = await ask(k, { model: 'mock-echo' }, buyer.key);
      if (r.status !== 409) return r;
      await sleep(20);
    }
  };
  const all = await Promise.all(Array.from({ length: 64 }, insist));
  assert.deepEqual([...new Set(all.map((r) => r.status))], [200]);
  assert.equal(new Set(all.map((r) => r.text)).size, 1);
  assert.equal(all.filter((r) => r.headers['idempotent-replayed']).length, 63);
  assert.equal(await upstream(), 1, 'requests upstream');
  await settled();
  const rows = w.log('--token', buyer.name);
  assert.equal(rows.filter((r) => r.cost_nusd > 0).length, 1);
});

test('a stream runs once, and is not sent again', async () => {
  const k = fresh();
  await w.mock.reset();
  const body = { model: 'mock-stream-20-5', stream: true };
  const first = await ask(k, body);
  assert.match(first.text, /\[DONE\]/);
  assert.equal(first.headers['x-pontage-receipt'], first.headers['x-request-id']);
  await settled();
  const again = await ask(k, body);
  assert.deepEqual(code(again), [409, 'already_processed']);
  assert.ok(again.json.error.message.includes(first.headers['x-request-id']), again.text);
  assert.equal(again.headers['x-should-retry'], 'false');
  assert.equal(await upstream(), 1);
});

test('an answer larger than idempotency_answer_bytes is not kept', async () => {
  const k = fresh();
  await w.mock.reset();
  const body = { model: 'mock-size-100000' };
  assert.equal((await ask(k, body)).status, 200);
  await settled();
  assert.deepEqual(code(await ask(k, body)), [409, 'already_processed']);
  assert.equal(await upstream(), 1);
});

for (const [what, body] of [
  ['a rate limit upstream', { model: 'mock-429' }],
  ['a failure upstream', { model: 'mock-500' }],
  ['a refusal upstream', { model: 'mock-400' }],
])
  test(`after ${what} the key is free again`, async () => {
    const k = fresh();
    await w.mock.reset();
    const first = await ask(k, body);
    assert.ok(first.status >= 400);
    await settled();
    const n = await upstream();
    const again = await ask(k, body);
    assert.equal(again.status, first.status);
    assert.ok((await upstream()) > n, 'it ran again');
  });

test('what was refused for want of money runs when there is some', async () => {
  const k = fresh();
  const user = w.user('late-payer');
  const buyer = w.key({ user }).key;
  assert.deepEqual(code(await ask(k, {}, buyer)), [429, 'insufficient_quota']);
  w.pontage('user', 'grant', user, '1');
  assert.equal((await ask(k, {}, buyer)).status, 200);
});

test('an answer that is there needs no money', async () => {
  const k = fresh();
  const user = w.user('last-dollar', '0.01');
  const buyer = w.key({ user }).key;
  assert.equal((await ask(k, { max_tokens: 10 }, buyer)).status, 200);
  await settled();
  w.pontage('user', 'adjust', user, '-1', '--reason', 'gone', '--below-zero');
  assert.equal((await ask(fresh(), { max_tokens: 10 }, buyer)).status, 429);
  assert.equal((await ask(k, { max_tokens: 10 }, buyer)).headers['idempotent-replayed'], 'true');
});

for (const [what, bad] of [['an empty key', ''], ['a blank inside', 'a b'], ['256 characters', 'x'.repeat(256)],
  ['a character that is not ASCII', 'caf\xe9']])
  test(`${what} is refused`, async () => {
    await w.mock.reset();
    const r = await ask(bad);
    assert.deepEqual(code(r), [400, 'invalid_value'], r.text);
    assert.equal(r.json.error.param, 'Idempotency-Key');
    assert.equal(await upstream(), 0);
  });

test('255 characters are fine', async () => {
  assert.equal((await ask('!'.repeat(255))).status, 200);
});

test('where the address takes no key, none is read', async () => {
  const r = await w.request({ path: '/v1/models', headers: { Authorization: `Bearer ${key}`, 'Idempotency-Key': 'a b' } });
  assert.equal(r.status, 200);
});

test('the official SDK, with a key of its own', async () => {
  const client = new OpenAI({ apiKey: key, baseURL: `${w.base}/v1`, maxRetries: 0 });
  client.idempotencyHeader = 'Idempotency-Key'; // else it sends none, whatever the option says
  const k = fresh();
  const body = { model: 'mock-echo', messages: [{ role: 'user', content: 'from the SDK' }] };
  const options = { idempotencyKey: k };
  const one = await client.chat.completions.create(body, options).withResponse();
  await settled();
  const two = await client.chat.completions.create(body, options).withResponse();
  assert.equal(two.response.headers.get('idempotent-replayed'), 'true');
  assert.deepEqual(two.data, one.data);
});

test('the SDK waits for the first one by itself', async () => {
  const client = new OpenAI({ apiKey: key, baseURL: `${w.base}/v1`, maxRetries: 5 });
  const k = fresh();
  await w.mock.reset();
  const body = { model: 'mock-delay-300', messages: [{ role: 'user', content: 'twice' }] };
  const options = { headers: { 'Idempotency-Key': k } };
  const [a, b] = await Promise.all([client.chat.completions.create(body, options), client.chat.completions.create(body, options)]);
  assert.deepEqual(a, b);
  assert.equal(await upstream(), 1);
});

test('a worker that is killed: the key is not stuck', async () => {
  const k = fresh();
  await w.mock.reset();
  const body = { model: 'mock-delay-2000' };
  const lost = ask(k, body).catch(() => null);
  await until('it runs', async () => (await upstream()) === 1);
  for (const p of w.processes().filter((x) => x.name === 'relay.fcgi')) process.kill(p.pid, 'SIGKILL');
  await lost;
  // Nothing was delivered, so nothing is charged: it may run again.
  const r = await until('it runs again', async () => {
    const again = await ask(k, body);
    return [409, 502, 503].includes(again.status) ? null : again;
  }, 20000);
  assert.equal(r.status, 200);
  assert.equal(await upstream(), 2);
  await w.audit();
});

test('a worker that is killed in a stream that cost something: the key is used', async () => {
  const k = fresh();
  await w.mock.reset();
  const body = { model: 'mock-stream-400-10', stream: true };
  const lost = ask(k, body).catch(() => null);
  await until('it was noted', () => w.log().some((r) => r.state === 'open') && w.log('--limit', '1'));
  await sleep(1000);
  for (const p of w.processes().filter((x) => x.name === 'relay.fcgi')) process.kill(p.pid, 'SIGKILL');
  await lost;
  const r = await until('it is swept', async () => {
    const again = await ask(k, body);
    return again.json?.error?.code === 'idempotency_in_progress' || [502, 503].includes(again.status) ? null : again;
  }, 20000);
  assert.deepEqual(code(r), [409, 'already_processed']);
  assert.equal(await upstream(), 1);
  await w.audit();
});

test('several workers, no answer kept, keys for a second', async () => {
  const short = await openWorld({ settings: { relay_workers: 3, idempotency_ms: 1000, idempotency_answer_bytes: 0 } });
  try {
    const k = fresh();
    const buyer = short.key().key;
    const post = () => short.chat(buyer, { model: 'mock-delay-300' }, { 'Idempotency-Key': k });
    const all = await Promise.all(Array.from({ length: 64 }, post));
    assert.equal((await short.mock.stats()).requests, 1, 'requests upstream');
    assert.equal(all.filter((r) => r.status === 200).length, 1);
    for (const r of all.filter((x) => x.status !== 200))
      assert.ok(r.json.error.code === 'idempotency_in_progress' || r.json.error.code === 'already_processed', r.text);
    const again = await until('it may run again', async () => {
      const r = await post();
      return r.status === 200 ? r : null;
    });
    assert.equal(again.headers['idempotent-replayed'], undefined);
    assert.equal((await short.mock.stats()).requests, 2);
    const db = new DatabaseSync(path.join(short.state, 'pontage.db'), { readOnly: true });
    await until('tick has forgotten it', () => db.prepare('SELECT count(*) AS n FROM idem').get().n === 0);
    db.close();
  } finally {
    await short.close();
  }
});
