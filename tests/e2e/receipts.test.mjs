// Receipts, and what a key has and has used: what its owner can ask for.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openWorld, price, sleep, until } from './world.mjs';

let w, key, other;

before(async () => {
  w = await openWorld({ settings: { progress_ms: 100 } });
  key = w.key();
  other = w.key({ user: w.user('stranger', '1') });
});
after(() => w?.close());

const get = (path, as = key.key, headers = {}) => w.request({ path, headers: { Authorization: `Bearer ${as}`, ...headers } });
const final = (id, as) => until('the receipt is final', async () => {
  const r = await get(`/receipt/${id}`, as);
  return r.status === 202 ? null : r;
});
const sum = (lines) => lines.reduce((n, l) => n + l.amount_nusd, 0);
const row = (id) => w.pontage('log', 'show', id);

async function paid(body) {
  const r = await w.chat(key.key, body);
  const id = r.headers['x-pontage-receipt'];
  assert.equal(id, r.headers['x-request-id']);
  return { answer: r, id, receipt: (await final(id)).json };
}

test('a receipt says each line, and the sum is the ledger\'s', async () => {
  const { answer, id, receipt } = await paid({});
  assert.equal(answer.status, 200);
  assert.equal(receipt.id, id);
  assert.equal(receipt.object, 'receipt');
  assert.equal(receipt.state, 'settled');
  assert.equal(receipt.amount_nusd, row(id).cost_nusd);
  assert.ok(receipt.amount_nusd > 0);
  assert.equal(sum(receipt.lines), receipt.amount_nusd);
  assert.equal(receipt.lines_sum_nusd, receipt.amount_nusd);
  assert.equal(receipt.adds_up, true);
  const by = Object.fromEntries(receipt.lines.map((l) => [l.line, l]));
  assert.equal(by.input.count, answer.json.usage.prompt_tokens);
  assert.equal(by.output.count, answer.json.usage.completion_tokens);
  assert.equal(by.output.price_nusd, price.output * 1e9);
  for (const l of receipt.lines)
    assert.equal(l.amount_nusd, Math.ceil(l.count * l.price_nusd * (l.factor_ppm / 1e6) / l.per), l.line);
  assert.ok(receipt.price.id > 0 && receipt.price.since);
  assert.equal(receipt.usage.source, 'upstream');
  assert.deepEqual(receipt.attempts.map((a) => a.outcome), ['answered']);
});

test('the same as text, and by another address', async () => {
  const { id, receipt } = await paid({});
  for (const [path, headers] of [[`/receipt/${id}?format=text`, {}], [`/v1/receipt/${id}`, { Accept: 'text/plain' }]]) {
    const r = await get(path, key.key, headers);
    assert.equal(r.status, 200);
    assert.equal(r.headers['content-type'], 'text/plain; charset=utf-8');
    assert.match(r.text, new RegExp(`^receipt +${id}$`, 'm'));
    assert.ok(r.text.includes(`amount          $${receipt.amount_usd}\n`), r.text);
  }
  const asked = await get(`/receipt/${id}?format=json`, key.key, { Accept: 'text/plain' });
  assert.equal(asked.json.id, id);
});

test('`pontage receipt` prints the same, and names for the operator', async () => {
  const { id, receipt } = await paid({});
  const cli = w.pontage('receipt', id);
  assert.equal(cli.amount_nusd, receipt.amount_nusd);
  assert.deepEqual(cli.lines, receipt.lines);
  assert.equal(cli.operator.channel, 'mock');
});

test('an owner learns no names of channels, providers and addresses', async () => {
  const { id } = await paid({});
  for (const query of ['', '?format=text']) {
    const { text } = await get(`/receipt/${id}${query}`);
    assert.doesNotMatch(text, /channel|provider|127\.0\.0\.1|sk-/);
    w.noSecretsIn(text, 'the receipt');
  }
});

test('a stream has a receipt too', async () => {
  const { answer, receipt } = await paid({ model: 'mock-stream-20-5', stream: true });
  assert.match(answer.text, /\[DONE\]/);
  assert.equal(receipt.stream, true);
  assert.ok(receipt.amount_nusd > 0);
  assert.equal(sum(receipt.lines), receipt.amount_nusd);
});

test('an error of the upstream costs nothing, and says what was tried', async () => {
  const { answer, receipt } = await paid({ model: 'mock-500' });
  assert.equal(answer.status, 502);
  assert.equal(receipt.state, 'void');
  assert.equal(receipt.amount_nusd, 0);
  assert.equal(receipt.adds_up, true);
  assert.ok(receipt.attempts.length >= 1);
  for (const a of receipt.attempts) {
    assert.equal(a.outcome, 'upstream_failed');
    assert.equal(a.amount_nusd, 0);
  }
});

test('a stream that is abandoned costs what was delivered', async () => {
  const leave = new AbortController();
  const r = await fetch(`${w.base}/v1/chat/completions`, {
    method: 'POST', signal: leave.signal,
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key.key}` },
    body: JSON.stringify({ model: 'mock-stream-400-10', stream: true, messages: [{ role: 'user', content: 'hi' }] }),
  });
  const id = r.headers.get('x-pontage-receipt');
  const reader = r.body.getReader();
  await reader.read();
  const open = await get(`/receipt/${id}`);
  assert.equal(open.status, 202);
  assert.equal(open.json.state, 'open');
  assert.ok(open.json.reserved_nusd > 0);
  await sleep(300);
  leave.abort();
  const { json } = await final(id);
  assert.equal(json.error, 'client_closed_request');
  assert.equal(json.usage.source, 'partial');
  assert.ok(json.amount_nusd > 0);
  assert.equal(sum(json.lines), json.amount_nusd);
});

test('a request that was refused has one', async () => {
  const poor = w.key({ user: w.user('poor') });
  const r = await w.chat(poor.key);
  assert.equal(r.status, 429);
  const id = r.headers['x-pontage-receipt'];
  assert.equal(id, r.headers['x-request-id']);
  const receipt = await until('its row', async () => {
    const got = await get(`/receipt/${id}`, poor.key);
    return got.status === 200 ? got : null;
  });
  assert.equal(receipt.json.state, 'refused');
  assert.equal(receipt.json.error, 'insufficient_quota');
  assert.equal(receipt.json.amount_nusd, 0);
});

test('another key of the same user may see it, other users may not', async () => {
  const { id } = await paid({});
  assert.equal((await get(`/receipt/${id}`, w.key().key)).status, 200);
  const r = await get(`/receipt/${id}`, other.key);
  assert.equal(r.status, 404);
  assert.equal(r.json.error.code, 'not_found');
  const none = await get('/receipt/req_0000000000000000000000', other.key);
  assert.equal(none.text.replaceAll('req_0000000000000000000000', id), r.text, 'as if it did not exist');
  assert.equal((await get(`/receipt/${id}`, 'sk-no')).status, 401);
  assert.equal((await w.request({ path: `/receipt/${id}` })).status, 401);
});

for (const [path, status, code] of [
  ['/receipt/', 404, 'unknown_url'], ['/receipt/a%00', 400], ['/receipt/req_1?format=xml', 400, 'invalid_value'],
  ['/receipt/req_1?format=text&format=json', 400, 'invalid_value'], [`/receipt/${'x'.repeat(600)}`, 400, 'invalid_request'],
  ["/receipt/'%20OR%201=1", 404, 'not_found'],
  ['/v1/usage?from=yesterday', 400, 'invalid_value'], ['/v1/usage?from=2026-02-30', 400, 'invalid_value'],
  ['/v1/usage?from=1000-01-01&to=9999-12-31', 400, 'invalid_value'], ['/v1/usage?to=%zz', 400, 'invalid_value'],
  ['/v1/usage?from=2026-01-02&to=2026-01-01', 400, 'invalid_value'], ['/v1/usage/', 404, 'unknown_url'],
  ['/dashboard/billing/nothing', 404, 'unknown_url'],
])
  test(`${path.slice(0, 60)}: ${status}`, async () => {
    const r = await get(path);
    assert.equal(r.status, status, r.text);
    if (code) assert.equal(r.json.error.code, code);
  });

test('a receipt is not posted', async () => {
  const r = await w.request({ method: 'POST', path: '/receipt/req_1', headers: { Authorization: `Bearer ${key.key}` } });
  assert.equal(r.status, 405);
});

test('Accept in two headers is no reason to refuse', async () => {
  const { id } = await paid({});
  const r = await w.request({ path: `/receipt/${id}`, headers: [['Host', 'localhost'], ['Authorization', `Bearer ${key.key}`],
    ['Accept', 'application/json'], ['Accept', 'text/plain']].flat() });
  assert.equal(r.status, 200);
});

// --- what a key has, and has used ----------------------------------------------------

test('the old billing pages, as one-api\'s clients know them', async () => {
  const mine = w.key({ limit: '5', expires: '30d' });
  for (let i = 0; i < 3; i++) assert.equal((await w.chat(mine.key)).status, 200);
  await until('settled', () => !w.log().some((r) => r.state === 'open'));
  const spent = w.log('--token', mine.name).reduce((n, r) => n + r.cost_nusd, 0);
  for (const at of ['/v1', '']) {
    const sub = await get(`${at}/dashboard/billing/subscription`, mine.key);
    assert.equal(sub.status, 200);
    assert.deepEqual({ ...sub.json, access_until: 0 }, { object: 'billing_subscription', has_payment_method: true,
      soft_limit_usd: 5, hard_limit_usd: 5, system_hard_limit_usd: 5, access_until: 0 });
    assert.ok(Math.abs(sub.json.access_until - (Date.now() / 1000 + 30 * 86400)) < 60);
    const use = await get(`${at}/dashboard/billing/usage?start_date=2026-01-01&end_date=2026-12-31`, mine.key);
    assert.deepEqual(Object.keys(use.json), ['object', 'total_usage']);
    // Cents, written exactly.
    const cents = use.text.match(/"total_usage":([\d.]+)/)[1];
    const [whole, part = ''] = cents.split('.');
    assert.equal(BigInt(whole + part.padEnd(7, '0')), BigInt(spent));
    const credit = (await get(`${at}/dashboard/billing/credit_grants`, mine.key)).json;
    assert.equal(credit.object, 'credit_summary');
    assert.equal(Math.round(credit.total_available * 1e9), 5e9 - spent);
    assert.equal(Math.round(credit.total_used * 1e9), spent);
  }
});

test('a key without a limit of its own', async () => {
  const sub = (await get('/v1/dashboard/billing/subscription')).json;
  assert.equal(sub.hard_limit_usd, 100000000);
  assert.equal(sub.access_until, 0);
});

test('usage by day and model: rolled up or not, each request once', async () => {
  const mine = w.key();
  for (const model of ['mock-echo', 'mock-tools', 'mock-echo']) await w.chat(mine.key, { model });
  await until('settled', () => !w.log().some((r) => r.state === 'open'));
  const rows = w.log('--token', mine.name);
  const look = async () => {
    const { status, json } = await get('/v1/usage', mine.key);
    assert.equal(status, 200);
    assert.equal(json.total.requests, 3);
    assert.equal(json.total.cost_nusd, rows.reduce((n, r) => n + r.cost_nusd, 0));
    assert.deepEqual(json.data.map((d) => [d.model, d.requests]), [['mock-echo', 2], ['mock-tools', 1]]);
    assert.equal(json.data[0].date, new Date().toISOString().slice(0, 10));
    assert.match(json.total.cost_usd, /^0\.\d+$/);
  };
  await look();
  await sleep(2500); // a round of tick or two
  await look();
});

test('usage is the key\'s own, and of the days that were asked for', async () => {
  const mine = w.key();
  await w.chat(mine.key);
  assert.equal((await get('/v1/usage', other.key)).json.total.requests, 0);
  const past = (await get('/v1/usage?from=2020-01-01&to=2020-12-31', mine.key)).json;
  assert.deepEqual([past.from, past.to, past.data.length], ['2020-01-01', '2020-12-31', 0]);
});

test('the spent money of a user is the sum of the receipts', async () => {
  const user = w.user('auditor', '1');
  const buyer = w.key({ user });
  const ids = [];
  for (const model of ['mock-echo', 'mock-stream-20-5', 'mock-500', 'mock-usage-missing']) {
    const r = await w.chat(buyer.key, { model, stream: model.includes('stream'), max_tokens: 100 });
    ids.push(r.headers['x-pontage-receipt']);
  }
  let total = 0;
  for (const id of ids) total += sum((await final(id, buyer.key)).json.lines);
  assert.ok(total > 0);
  assert.equal(w.pontage('user', 'list').find((u) => u.name === user).spent_nusd, total);
});
