// The corpus of bad requests: each is refused clearly, costs nothing, reaches
// no upstream and shows no secret.  What the members of a case mean stands in
// bad-inputs.json itself ("fields", "rules_for_every_case").
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { openWorld, root, sleep, until } from './world.mjs';

const corpus = JSON.parse(fs.readFileSync(path.join(import.meta.dirname, 'bad-inputs.json')));
const now = ['relay-auth', 'relay-routing', 'relay-body', 'relay-json', 'relay-params', 'relay-ssrf',
  'relay-endpoints', 'relay-multipart', 'relay-limits', 'relay-idempotency', 'raw-http', 'hostile-but-valid'];
// What the other groups wait for.
const waits = {
  'admin-session': 'issue 8, the admin pages', 'admin-redirect': 'issue 8, the admin pages',
  'admin-csrf': 'issue 8, the admin pages', 'admin-rights': 'issue 8, the admin pages',
  'admin-forms': 'issue 8, the admin pages', 'admin-lists': 'issue 8, the admin pages',
  'admin-oauth': 'signing in with others',
};
const waitingCases = {
  'auth-14': 'issue 8, the admin pages',
};
// Addresses without an endpoint yet: whatever is wrong with the request, the
// answer is 404 in the shape of the API, and the same promises hold.
const noDoorYet = /^\/v1\/(images|audio|moderations)(\/|$)/;
const maxMs = 2000;
const slow = [];

let w, db, vars;

// --- the request --------------------------------------------------------------

const sub = (s) => s.replace(/\$\{([A-Za-z_]+)\}/g, (all, name) => vars[name] ?? all);

const gen = (parts) => parts.map((p) =>
  'lit' in p ? sub(p.lit)
    : 'rep' in p ? p.rep.repeat(p.n)
      : Array.from({ length: p.n }, (_, i) => p.seq.replace('%d', i)).join('')).join('');

function expand(x) {
  if (typeof x === 'string') return sub(x);
  if (Array.isArray(x)) return x.map(expand);
  if (!x || typeof x !== 'object') return x;
  if ('gen' in x) return gen(x.gen);
  if ('gen_array' in x) return Array.from({ length: x.gen_array[1] }, () => expand(x.gen_array[0]));
  return Object.fromEntries(Object.entries(x).map(([k, v]) => [k, expand(v)]));
}

// Headers are latin-1 where they can be, as a careless client sends them.
const bytes = (s) => Buffer.from(s, /^[\x00-\xff]*$/.test(s) ? 'latin1' : 'utf8');

function body(c) {
  if ('body_b64' in c) return Buffer.from(c.body_b64, 'base64');
  if ('body_gen' in c) return Buffer.from(gen(c.body_gen));
  if (typeof c.body === 'string') return Buffer.from(sub(c.body));
  return 'body' in c ? Buffer.from(JSON.stringify(expand(c.body))) : Buffer.alloc(0);
}

function head(c, length) {
  const headers = { Host: `127.0.0.1:${w.port}`, Connection: 'close', ...expand(c.headers ?? {}) };
  if (c.session) headers.Cookie ??= 'sid=a-session-of-an-admin';
  if (length || ['POST', 'PUT', 'PATCH'].includes(c.method)) headers['Content-Length'] ??= String(length);
  const at = expand(c.path);
  return bytes(`${c.method} ${at} HTTP/1.1\r\n` +
    Object.entries(headers).map(([k, v]) => `${k}: ${v}\r\n`).join('') + '\r\n');
}

function send(data, limitMs) {
  return new Promise((done) => {
    const parts = [];
    const start = performance.now();
    const s = net.connect(w.port, '127.0.0.1', () => s.write(data));
    const end = () => { s.destroy(); done({ raw: Buffer.concat(parts), ms: performance.now() - start }); };
    s.setTimeout(limitMs, end);
    s.on('data', (part) => parts.push(part));
    s.on('error', () => {}); // what came until then is the answer
    s.on('close', end);
  });
}

function parse(raw) {
  const text = raw.toString('latin1');
  const match = text.match(/^HTTP\/1\.[01] (\d{3})/);
  if (!match) return { status: 'closed', headers: {}, body: '' };
  const [top, ...rest] = text.split('\r\n\r\n');
  const headers = {};
  for (const line of top.split('\r\n').slice(1)) {
    const at = line.indexOf(':');
    (headers[line.slice(0, at).toLowerCase()] ??= []).push(line.slice(at + 1).trim());
  }
  let left = rest.join('\r\n\r\n');
  if (headers['transfer-encoding']?.[0].includes('chunked')) {
    let all = '';
    for (let n; (n = parseInt(left, 16)) > 0;) {
      const at = left.indexOf('\r\n') + 2;
      all += left.slice(at, at + n);
      left = left.slice(at + n + 2);
    }
    left = all;
  }
  return { status: Number(match[1]), headers, body: Buffer.from(left, 'latin1').toString() };
}

// --- what must hold -------------------------------------------------------------

const list = (x) => (Array.isArray(x) ? x : [x]);
const glob = (pattern) => new RegExp(
  `^${pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.')}$`, 'i');

function checkError(want, a, contains) {
  const error = JSON.parse(a.body).error;
  assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
  assert.ok(typeof error.message === 'string' && error.message, 'a message');
  for (const name of ['type', 'code', 'param'])
    if (want && name in want)
      assert.ok(list(want[name]).includes(error[name]),
        `${name} is ${JSON.stringify(error[name])}, want ${JSON.stringify(want[name])}: ${error.message}`);
  if (contains)
    assert.ok(error.message.toLowerCase().includes(contains.toLowerCase()), `message: ${error.message}`);
}

// The path that a case asks for; of raw bytes, what their first line says.
const target = (c) => ('path' in c ? expand(c.path) : raw(c).toString('latin1').split(/[ \r\n]+/)[1] ?? '');

function checkAnswer(c, a) {
  const later = noDoorYet.test(target(c));
  const e = later ? { ...c.expect, status: [404], error: { type: 'invalid_request_error' } } : c.expect;
  assert.ok(e.status.includes(a.status), `status ${a.status}, want ${e.status}: ${a.body.slice(0, 300)}`);
  const known = Object.keys(e).filter((k) => !['status', 'error', 'message_contains', 'content_type',
    'headers', 'headers_absent', 'body_lacks', 'body_contains', 'max_ms', 'responses', 'no_connect',
    'checks'].includes(k));
  assert.deepEqual(known, [], 'members of expect that this runner does not know');
  if (a.status === 'closed') return;
  const type = a.headers['content-type']?.[0] ?? '';
  if (/^\/v1[/?]/.test(target(c))) {
    assert.equal(type, 'application/json');
    assert.match(a.headers['x-request-id']?.[0] ?? '', /^req_.{22}$/);
    if (a.status >= 400) checkError(e.error, a, e.message_contains);
  } else if (e.error) {
    checkError(e.error, a, e.message_contains);
  }
  if (e.content_type) assert.ok(type.startsWith(e.content_type), `content type ${type}`);
  for (const [name, want] of Object.entries(e.headers ?? {}))
    assert.match(a.headers[name]?.join(', ') ?? '(none)', glob(want), name);
  for (const item of e.headers_absent ?? []) {
    const [name, value] = item.split(': ');
    const got = a.headers[name] ?? [];
    assert.ok(!got.some((x) => value === undefined || x.includes(value)), `header ${item}`);
  }
  for (const text of e.body_lacks ?? []) assert.ok(!a.body.includes(sub(text)), `the body shows ${text}`);
  if (e.body_contains) assert.ok(a.body.includes(e.body_contains), `the body lacks ${e.body_contains}`);
}

function noSecrets(text, where) {
  w.noSecretsIn(text, where);
  for (const place of [w.dir, root]) assert.ok(!text.includes(place), `${where} shows ${place}`);
  assert.doesNotMatch(text, /\b(FROM|INTO|UPDATE) (request|token|user|account|channel)\b/, `${where} shows SQL`);
}

const ledger = () => db.prepare(`SELECT
    (SELECT count(*) FROM entry) AS entries,
    (SELECT coalesce(sum(cost_nusd), 0) FROM request) AS cost,
    (SELECT count(*) FROM request WHERE state = 'open') AS open,
    (SELECT coalesce(sum(held_nusd), 0) FROM account) AS held`).get();

// Listens where nobody may connect; how often somebody did.  Whole networks of
// no_connect cannot be listened on: that no request goes upstream and that we
// fetch nothing covers them.
async function watch(places) {
  const one = places.find((at) => /:\d+$/.test(at) && !at.includes('/'));
  if (!one) return async () => 0;
  const [host, port] = one.split(':');
  let n = 0;
  const server = net.createServer((s) => { n++; s.destroy(); });
  const open = await new Promise((done) => {
    server.once('error', () => done(false));
    server.listen(Number(port), host, () => done(true));
  });
  return async () => {
    if (open) await new Promise((done) => server.close(done));
    return n;
  };
}

const raw = (c) => bytes('raw_gen' in c ? gen(c.raw_gen) : sub(c.raw));
const isRaw = (c) => 'raw' in c || 'raw_gen' in c;
const whole = (c) => (isRaw(c) ? raw(c) : Buffer.concat([head(c, body(c).length), body(c)]));

async function check(c) {
  const data = whole(c);
  const limit = c.expect.max_ms ?? maxMs;
  const before = { ledger: ledger(), upstream: (await w.mock.stats()).requests, log: fs.statSync(w.logFile).size };
  const canary = await watch(c.expect.no_connect ?? []);
  const { raw: got, ms } = await send(data, limit + 10000);
  const answer = parse(got);
  assert.equal(await canary(), 0, 'connections to an address that nobody may call');
  if (c.expect.responses)
    assert.equal(got.toString('latin1').match(/^HTTP\/1\.1 /gm).length, c.expect.responses, 'answers');
  if (ms > limit) slow.push(`${c.id}: ${ms.toFixed(0)} ms, the file wants ${limit}`);
  checkAnswer(c, answer);
  noSecrets(answer.body, 'the body');
  assert.equal((await w.mock.stats()).requests, before.upstream, 'requests upstream');
  assert.deepEqual(ledger(), before.ledger, 'the ledger');
  const log = fs.readFileSync(w.logFile).subarray(before.log).toString();
  w.noSecretsIn(log, 'the log');
  assert.equal((await w.request({ path: '/health' })).status, 200, '/health');
}

// --- the world of the corpus ------------------------------------------------------

// --- what is odd and yet right ----------------------------------------------------

// What the "checks" of the corpus ask for, and what a client does besides.
const also = {
  'valid-03': { upstream: (head) => assert.match(head, /^content-type: application\/json\r$/im) },
  'valid-07': { model: 'mock-stream-400-10', leaves: true },
};

async function sendAndLeave(data) {
  await new Promise((done, fail) => {
    const s = net.connect(w.port, '127.0.0.1', () => s.write(data));
    let text = '';
    s.on('error', fail);
    s.on('data', (part) => {
      text += part.toString('latin1');
      if ((text.match(/data: /g) ?? []).length < 5) return;
      s.destroy();
      done();
    });
  });
}

async function checkValid(c) {
  const extra = also[c.id] ?? {};
  const before = { ledger: ledger(), upstream: (await w.mock.stats()).requests, log: fs.statSync(w.logFile).size };
  if (extra.leaves) {
    const own = vars.MODEL;
    vars.MODEL = extra.model;
    await sendAndLeave(whole(c)).finally(() => { vars.MODEL = own; });
  } else {
    const { raw: got } = await send(whole(c), maxMs + 10000);
    const answer = parse(got);
    checkAnswer(c, answer);
    noSecrets(answer.body, 'the body');
  }
  await until('it is settled', () => ledger().open === 0);
  assert.equal((await w.mock.stats()).requests, before.upstream + 1, 'requests upstream');
  const now = ledger();
  assert.ok(now.cost > before.ledger.cost, 'it cost something');
  assert.equal(now.held, 0);
  const log = fs.readFileSync(w.logFile).subarray(before.log).toString();
  w.noSecretsIn(log, 'the log');
  for (const line of log.split('\n').filter(Boolean)) {
    assert.match(line, /^t=\d{4}-/, 'one event, one line');
    assert.doesNotMatch(line, /[\x00-\x1f\x7f]/);
  }
  extra.upstream?.(await w.mock.last());
  assert.equal((await w.request({ path: '/health' })).status, 200, '/health');
}

// The key was used with another body, or its first request still runs.
async function checkUsedKey(c) {
  if (c.id === 'idem-01') {
    await send(whole({ ...c, body: { ...c.body, max_tokens: 3 } }), maxMs + 10000);
    await until('it is settled', () => ledger().open === 0);
    await check(c);
    return;
  }
  const own = vars.MODEL;
  vars.MODEL = 'mock-stream-400-10';
  const sent = (await w.mock.stats()).requests;
  const first = net.connect(w.port, '127.0.0.1', () => first.write(whole(c)));
  first.on('error', () => {});
  try {
    await until('it runs', () => ledger().open === 1);
    await until('it is upstream', async () => (await w.mock.stats()).requests > sent);
    await check(c);
  } finally {
    first.destroy();
    vars.MODEL = own;
    await until('it is settled', () => ledger().open === 0);
  }
}

// Fifty at once, and money for one of them.
async function checkMoneyForOne(c) {
  const before = (await w.mock.stats()).requests;
  const answers = await Promise.all(Array.from({ length: c.repeat.parallel }, () => send(whole(c), maxMs + 10000)));
  const count = {};
  for (const { raw: got } of answers) {
    const a = parse(got);
    count[a.status] = (count[a.status] ?? 0) + 1;
    if (a.status !== 200) checkAnswer(c, a);
  }
  await until('it is settled', () => ledger().open === 0);
  assert.deepEqual(count, c.repeat.expect_count);
  assert.equal((await w.mock.stats()).requests, before + 1);
  assert.equal(w.run('audit').status, 0);
}

// As many as the key may a minute are answered, the next is not.
async function checkRate(c) {
  const own = (await w.mock.stats()).requests;
  for (let n = 0; n < Number(vars.RPM_LIMIT); n++)
    assert.equal(parse((await send(whole(c), maxMs)).raw).status, 200);
  checkAnswer(c, parse((await send(whole(c), maxMs)).raw));
  await until('it is settled', () => ledger().open === 0);
  assert.equal((await w.mock.stats()).requests, own + Number(vars.RPM_LIMIT));
}

// One of the key runs; whatever comes beside it is refused.
async function checkAtOnce(c) {
  const own = vars.MODEL, before = (await w.mock.stats()).requests;
  vars.MODEL = 'mock-stream-400-10';
  const bytes = whole({ ...c, body: { ...c.body, stream: true } });
  vars.MODEL = own;
  const first = net.connect(w.port, '127.0.0.1', () => first.write(bytes));
  first.on('error', () => {});
  try {
    await until('it is upstream', async () => (await w.mock.stats()).requests > before);
    const answers = await Promise.all(Array.from({ length: c.repeat.parallel }, () => send(whole(c), maxMs + 10000)));
    for (const { raw: got } of answers) checkAnswer(c, parse(got));
    assert.equal((await w.mock.stats()).requests, before + 1);
  } finally {
    first.destroy();
    await until('it is settled', () => ledger().open === 0);
  }
}

const repeated = (c) => (c.repeat.expect_last ? checkRate : c.repeat.expect_some ? checkAtOnce : checkMoneyForOne);

before(async () => {
  w = await openWorld({ channels: false });
  w.channel('mock', { names: ['mock-echo', 'mock-other', 'no-price', 'mock-embed', 'mock-stream-400-10'] });
  for (const model of ['mock-echo', 'mock-other', 'mock-stream-400-10']) w.price(model, '--context', '8192', '--max-output', '4096');
  w.price('mock-embed');
  w.channel('off', { names: ['no-channel'] });
  w.pontage('channel', 'disable', 'off');
  w.price('no-channel');
  const swap = (s) => s.replace(/[a-z]/gi, (x) => (x < 'a' ? x.toLowerCase() : x.toUpperCase()));
  const good = w.key();
  const off = w.key();
  w.pontage('token', 'disable', off.name);
  const old = w.key({ expires: '1s' });
  const gone = w.key({ user: w.user('gone', '5') });
  w.pontage('user', 'set', 'gone', '--disable');
  vars = {
    MODEL: 'mock-echo', EMBED_MODEL: 'mock-embed', MODEL_NO_CHANNEL: 'no-channel', MODEL_NO_PRICE: 'no-price',
    TOKEN: good.key, TOKEN_CASE_SWAPPED: swap(good.key),
    FULL_BAD_KEY: 'sk-0000000000000000000000000000000000000000000000wrong',
    TOKEN_DISABLED: off.key, TOKEN_EXPIRED: old.key, TOKEN_OF_DISABLED_USER: gone.key,
    TOKEN_NO_QUOTA: w.key({ limit: '0.000000001' }).key,
    TOKEN_USER_NO_BALANCE: w.key({ user: w.user('broke') }).key,
    TOKEN_IP_LOCKED: w.key({ ip: '192.0.2.0/24' }).key, ALLOWED_CIDR: '192.0.2.0/24', ALLOWED_IP: '192.0.2.1',
    TOKEN_RPM: w.key({ rpm: 3 }).key, RPM_LIMIT: '3', TOKEN_CONC: w.key({ concurrency: 1 }).key,
    TOKEN_OTHER_MODEL: w.key({ models: 'mock-other' }).key,
    IMAGE_MODEL: 'mock-image', TTS_MODEL: 'mock-speech', STT_MODEL: 'mock-transcribe',
  };
  db = new DatabaseSync(path.join(w.state, 'pontage.db'), { readOnly: true });
  // As much as one of its requests holds: what it costs leaves less.
  const one = corpus.cases.find((c) => c.id === 'limit-03');
  const held = await w.chat(good.key, JSON.stringify(expand(one.body)));
  assert.equal(held.status, 200, held.text);
  const enough = (db.prepare('SELECT max(reserved_nusd) AS n FROM request').get().n / 1e9).toFixed(9);
  vars.TOKEN_ONE_SHOT = w.key({ user: w.user('one-shot', enough) }).key;
  w.secrets.push(vars.FULL_BAD_KEY);
  await sleep(1200); // the short-lived key
  // The fixtures themselves work: what is refused is refused for its fault.
  const fine = await w.chat(good.key);
  assert.equal(fine.status, 200, fine.text);
  await until('it is settled', () => ledger().open === 0);
});

after(async () => {
  db?.close();
  await w?.close();
  for (const line of slow) console.log(`  slow: ${line}`);
  const groups = {};
  for (const c of corpus.cases) (groups[c.group] ??= []).push(c.id);
  for (const [group, ids] of Object.entries(groups))
    console.log(`  ${group}: ${ids.length} cases` + (now.includes(group) ? '' : `, waiting for ${waits[group]}`));
  for (const [id, what] of Object.entries(waitingCases)) console.log(`  ${id}: waits for ${what}`);
  const later = corpus.cases.filter((c) => now.includes(c.group) && noDoorYet.test(target(c)));
  console.log(`  404 in shape until their endpoints are there: ${later.map((c) => c.id).join(' ')}`);
});

const how = (c) => (c.group === 'hostile-but-valid' ? checkValid : c.repeat ? repeated(c)
  : c.group === 'relay-idempotency' ? checkUsedKey : check);

for (const c of corpus.cases.filter((x) => now.includes(x.group)))
  test(`${c.id}: ${c.title}`, { skip: waitingCases[c.id] && `waits for ${waitingCases[c.id]}` }, () => how(c)(c));

// The corpus names these in its notes; they are of the groups above.
const same = [
  ['two spellings of a route, one decision', ['/v1/chat/completions', '//v1/chat/completions']],
];
for (const [title, [one, two]] of same)
  test(title, async () => {
    const ask = (at) => w.request({
      method: 'POST', path: at, body: '{',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${vars.TOKEN}` },
    });
    assert.equal((await ask(one)).status, (await ask(two)).status);
  });
