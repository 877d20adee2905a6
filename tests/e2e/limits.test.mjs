// How often a caller may: exact over four workers, also when one of them dies,
// and what clients read of it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { openWorld, sleep, until } from './world.mjs';

const names = ['mock-echo', 'mock-delay-2000', 'mock-stream-3-700'];
let w;
before(async () => {
  w = await openWorld({ settings: { relay_workers: 4, tick_ms: 200, keep_alive_ms: 200, hold_back_ms: 400 }, names });
});
after(() => w?.close());

const many = (n, key, body) => Promise.all(Array.from({ length: n }, () => w.chat(key, body)));
const served = (all) => all.filter((r) => r.status === 200).length;

// Each is served, or refused as OpenAI would.
function check(all, type = 'requests') {
  for (const r of all.filter((one) => one.status !== 200)) {
    assert.equal(r.status, 429, r.text);
    assert.equal(r.json.error.code, 'rate_limit_exceeded');
    assert.equal(r.json.error.type, type);
    assert.match(r.json.error.message, /Please try again in (\d+ms|\d+s|1m0s)\./);
    const s = Number(r.headers['retry-after']), ms = Number(r.headers['retry-after-ms']);
    assert.ok(s >= 1 && s <= 60 && ms > (s - 1) * 1000 && ms <= s * 1000, `${s} s, ${ms} ms`);
    assert.equal(r.headers['x-should-retry'], undefined);
  }
  return served(all);
}

test('four times as many as a minute allows: exactly so many are served', async () => {
  const mine = w.key({ rpm: 25 });
  const all = await many(100, mine.key);
  assert.equal(check(all), 25);
  const left = all.filter((r) => r.status === 200).map((r) => Number(r.headers['x-ratelimit-remaining-requests']));
  assert.ok(left.every((n) => n >= 0 && n < 25), `${left}`);
  for (const r of all) {
    assert.equal(r.headers['x-ratelimit-limit-requests'], '25');
    assert.match(r.headers['x-ratelimit-reset-requests'], /^(\d+s|1m0s)$/);
    assert.equal(r.headers['x-ratelimit-limit-tokens'], undefined);
  }
});

test('one worker dies in between: still exactly so many', async () => {
  const mine = w.key({ rpm: 40 });
  const first = await many(20, mine.key);
  assert.equal(check(first), 20);
  const victim = w.processes().find((p) => p.name === 'relay.fcgi');
  process.kill(victim.pid, 'SIGKILL');
  await until('another in its place', () =>
    w.processes().filter((p) => p.name === 'relay.fcgi' && p.pid !== victim.pid).length === 4);
  await until('ready', async () => (await w.request({ path: '/readyz' })).status === 200);
  assert.equal(check(await many(80, mine.key)), 20);
});

test('requests at once: room comes back with an end, and with a death', async () => {
  const mine = w.key({ concurrency: 3 });
  const all = await many(12, mine.key, { model: 'mock-delay-2000' });
  assert.equal(check(all), 3);
  const again = await many(3, mine.key);
  assert.equal(check(again), 3);

  // Their workers die with them.
  const dying = many(3, mine.key, { model: 'mock-delay-2000' }).catch(() => []);
  await sleep(300);
  assert.equal((await w.chat(mine.key)).status, 429);
  const relays = w.processes().filter((p) => p.name === 'relay.fcgi').map((p) => p.pid);
  relays.forEach((pid) => process.kill(pid, 'SIGKILL'));
  await dying;
  await until('their places are free', async () =>
    served(await many(3, mine.key)) === 3, 8000);
});

test('tokens a minute are held and then corrected', async () => {
  const mine = w.key({ tpm: 1000 });
  const body = { max_tokens: 900 };
  const one = await w.chat(mine.key, body);
  assert.equal(one.status, 200, one.text);
  assert.equal(one.headers['x-ratelimit-limit-tokens'], '1000');
  assert.ok(Number(one.headers['x-ratelimit-remaining-tokens']) < 100);
  const used = one.json.usage.total_tokens;
  // What it did not use is there again.
  const two = await until('corrected', async () => {
    const r = await w.chat(mine.key, body);
    return r.status === 200 && r;
  }, 3000);
  assert.ok(Number(two.headers['x-ratelimit-remaining-tokens']) <= 1000 - used - 900);

  // Two at once do not fit.
  const slow = w.chat(mine.key, { ...body, model: 'mock-delay-2000' });
  await sleep(300);
  check([await w.chat(mine.key, body)], 'tokens');
  assert.equal((await slow).status, 200);

  const never = await w.chat(mine.key, { max_tokens: 2000 });
  assert.equal(never.status, 429);
  assert.equal(never.headers['x-should-retry'], 'false');
  assert.equal(never.headers['retry-after'], undefined);
  assert.match(never.json.error.message, /^Request too large for mock-echo on tokens per min \(TPM\)/);
  // Who names no limit is served as far as there is room.
  assert.equal((await w.chat(mine.key)).status, 200);
});

test('a refused request leaves no trace elsewhere', async () => {
  const mine = w.key({ rpm: 5, rpd: 100, concurrency: 1, tpm: 100000 });
  const slow = w.chat(mine.key, { model: 'mock-delay-2000' });
  await sleep(300);
  const refused = await many(8, mine.key);
  assert.ok(refused.every((r) => r.status === 429 && / requests at once /.test(r.json.error.message)), refused[0].text);
  assert.equal((await slow).status, 200);
  for (let i = 0; i < 4; i++)
    await until(`request ${i}`, async () => (await w.chat(mine.key)).status === 200, 2000);
  const last = await w.chat(mine.key);
  assert.equal(last.status, 429);
  assert.match(last.json.error.message, /requests per min \(RPM\) of this API key: Limit 5\./);
  assert.ok(!w.log('--token', mine.name).some((r) => r.state === 'open'));
});

test('a day is long: a client does not wait for it', async () => {
  const mine = w.key({ rpd: 2 });
  assert.equal(served(await many(6, mine.key)), 2);
  const r = await w.chat(mine.key);
  assert.equal(r.headers['x-should-retry'], 'false');
  assert.ok(Number(r.headers['retry-after']) > 86000);
  assert.match(r.headers['x-ratelimit-reset-requests'], /^(23h59m\d+s|24h0m0s)$/);
});

test("the newest SDK reads it: it waits as long as it is told, or not at all", async () => {
  const mine = w.key({ concurrency: 1 });
  const slow = w.chat(mine.key, { model: 'mock-delay-2000' });
  await sleep(300);
  const client = new OpenAI({ apiKey: mine.key, baseURL: `${w.base}/v1`, maxRetries: 5 });
  const began = Date.now();
  const answer = await client.chat.completions.create({ model: 'mock-echo', messages: [{ role: 'user', content: 'hi' }] });
  assert.equal(answer.choices[0].message.content, 'echo: hi');
  assert.ok(Date.now() - began > 900, `${Date.now() - began} ms`);
  await slow;
  const small = w.key({ tpm: 50 });
  const other = new OpenAI({ apiKey: small.key, baseURL: `${w.base}/v1`, maxRetries: 5 });
  const from = Date.now();
  await assert.rejects(other.chat.completions.create({ model: 'mock-echo', max_tokens: 500, messages: [{ role: 'user', content: 'hi' }] }),
    (e) => e instanceof OpenAI.RateLimitError && e.code === 'rate_limit_exceeded');
  assert.ok(Date.now() - from < 900, `${Date.now() - from} ms`);
});

test('an edit of a limit counts for the next request, on each worker', async () => {
  const mine = w.key({ rpm: 1 });
  assert.equal(served(await many(8, mine.key)), 1);
  w.pontage('token', 'set', mine.name, '--rpm', '9');
  assert.equal(served(await many(24, mine.key)), 8);
  w.pontage('token', 'set', mine.name, '--rpm', '0');
  const free = await many(24, mine.key);
  assert.equal(served(free), 24);
  assert.equal(free[0].headers['x-ratelimit-limit-requests'], undefined);
});

test("comments in a silent stream: the key's own setting", async () => {
  for (const [on, want] of [['on', true], ['off', false]]) {
    const mine = w.key({ 'keep-alive': on });
    const r = await w.chat(mine.key, { model: 'mock-stream-3-700', stream: true });
    assert.equal(r.status, 200, r.text);
    assert.equal(/^: keep-alive\n\n/m.test(r.text), want, `${on}: ${r.text.slice(0, 400)}`);
    // Never inside an event.
    for (const event of r.text.split('\n\n').filter(Boolean)) assert.match(event, /^(: keep-alive|data: (\{.*\}|\[DONE\]))$/);
    assert.match(r.text, /data: \[DONE\]\n\n$/);
    const late = await w.chat(mine.key, { model: 'mock-delay-2000', stream: true });
    assert.equal(/^: waiting\n\n/.test(late.text), want, `${on}: ${late.text.slice(0, 100)}`);
    assert.equal(/^:/m.test(late.text), want);
    assert.match(late.text, /data: \[DONE\]\n\n$/);
  }
});

test('of a user, a group and a model: all callers together, each refused by its own', async () => {
  const [one, two] = ['ann', 'bob'].map((name) => {
    w.user(name, '10');
    return [w.key({ user: name }), w.key({ user: name })];
  });
  w.pontage('limit', 'set', 'user:ann', '--rpm', '6');
  const all = (await Promise.all([many(9, one[0].key), many(9, one[1].key)])).flat();
  assert.equal(check(all), 6);
  assert.match(all.find((r) => r.status === 429).json.error.message, / of this user: Limit 6\./);
  assert.equal(all[0].headers['x-ratelimit-limit-requests'], '6');
  assert.equal(check(await many(9, two[0].key)), 9);

  w.pontage('limit', 'set', 'group:default', '--rpd', '3');
  const day = await many(9, two[1].key);
  assert.equal(served(day), 3);
  assert.match(day.find((r) => r.status === 429).json.error.message, /requests per day \(RPD\) of this group: Limit 3\./);
  w.pontage('limit', 'remove', 'group:default');

  w.pontage('limit', 'set', 'model:mock-delay-2000', '--concurrency', '2');
  const slow = await Promise.all([many(3, two[0].key, { model: 'mock-delay-2000' }), many(3, two[1].key, { model: 'mock-delay-2000' })]);
  assert.equal(check(slow.flat()), 2);
  assert.match(slow.flat().find((r) => r.status === 429).json.error.message, /requests at once of this model: Limit 2\./);
});
