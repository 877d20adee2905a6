// Money for exactly ten: ten go upstream, whoever comes at once.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openWorld, until } from './world.mjs';

// Slow enough that all 64 are there before the first is settled and gives
// back what it did not need.
const ask = { model: 'mock-delay-2000', max_tokens: 10 };
const dollars = (nusd) => `${Math.floor(nusd / 1e9)}.${String(nusd % 1e9).padStart(9, '0')}`;

let w, each;

before(async () => {
  w = await openWorld();
  // What one holds while it runs is what ten are to have.
  const r = await w.chat(w.key().key, ask);
  assert.equal(r.status, 200);
  each = w.pontage('log', 'show', r.headers['x-request-id']).reserved_nusd;
  assert.ok(each > 0, `${each} reserved`);
});
after(() => w?.close());

for (const [by, make] of [
  ['the key', () => w.key({ user: w.user('rich', '5'), limit: dollars(10 * each) })],
  ['the account', () => w.key({ user: w.user('poor', dollars(10 * each)) })],
])
  test(`64 at once where ${by} has money for ten`, async () => {
    const key = make();
    await w.mock.reset();
    const answers = await Promise.all(Array.from({ length: 64 }, () => w.chat(key.key, ask)));
    const count = (status, code) => answers.filter((a) =>
      a.status === status && (!code || a.json.error.code === code)).length;
    assert.deepEqual([count(200), count(429, 'insufficient_quota')], [10, 54]);
    assert.equal((await w.mock.stats()).requests, 10, 'requests upstream');
    await w.audit();
    const paid = w.log('--token', key.name).reduce((sum, r) => sum + r.cost_nusd, 0);
    assert.ok(paid > 0 && paid <= 10 * each, `${paid} of ${10 * each}`);
  });

test('every refusal has its row, or is counted', async () => {
  const rows = await until('rows', () => w.log('--user', 'poor').filter((r) => r.status === 429));
  assert.ok(rows.length > 0);
  for (const row of rows) assert.equal(row.cost_nusd, 0);
});
