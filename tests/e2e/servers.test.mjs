// The same list for all four ways to put the gateway behind a web server:
// nginx, Apache's mod_proxy_fcgi and mod_fcgid, and plain CGI as a host with
// nothing but .htaccess has it. The table at the end is the result; a cell that
// says what cannot work there says why.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { openWorld, price, sleep, until } from './world.mjs';

const silence = 62000; // longer than the limits that web servers come with
const busy = 24; // requests at once, where the gateway counts them
const stream = 'mock-stream-10-100', long = 'mock-stream-400-20', slow = 'mock-stream-60-50';
const names = ['mock-echo', stream, long, slow, `mock-delay-${silence}`];
const columns = { nginx: 'nginx', apache: 'mod_proxy_fcgi', fcgid: 'mod_fcgid', cgi: '.htaccess CGI' };
const rows = new Map();
let worlds = [];

before(async () => {
  const settings = { relay_workers: 1, max_inflight: busy };
  const opened = await Promise.allSettled(Object.keys(columns).map((web) => openWorld({ web, settings, names })));
  worlds = opened.flatMap((one) => one.value ?? []);
  for (const one of opened)
    if (one.reason) throw one.reason;
  for (const w of worlds) {
    w.token = w.key().key;
    w.client = new OpenAI({ apiKey: w.token, baseURL: `${w.base}/v1`, maxRetries: 0 });
    w.silent = w.chat(w.token, { model: `mock-delay-${silence}` }).catch((e) => e);
    w.silentStream = open(w, `mock-delay-${silence}`).then((s) => s.done).catch((e) => e);
  }
});

after(async () => {
  const width = [18, 16, 16, 22, 0];
  const line = (cells) => cells.map((cell, i) => String(cell).padEnd(width[i])).join(' ').trimEnd();
  console.log(line(['', ...Object.values(columns)]));
  for (const [name, cells] of rows)
    console.log(line([name, ...Object.keys(columns).map((web) => cells[web] ?? 'WRONG')]));
  await Promise.all(worlds.map((w) => w.close()));
});

// One row: `cell` tries it on a world and says what it saw.
function row(name, cell, { alone = false } = {}) {
  test(name, async () => {
    const cells = {}, wrong = [];
    rows.set(name, cells);
    const one = (w) => cell(w).then((saw) => { cells[w.web] = saw; },
      (e) => wrong.push(`${columns[w.web]}: ${e.stack}\n${w.logTail().slice(-600)}`));
    if (alone)
      for (const w of worlds) await one(w);
    else
      await Promise.all(worlds.map(one));
    if (wrong.length) throw new Error(wrong.join('\n'));
  });
}

const isApiError = (r, status) => {
  assert.equal(r.status, status, r.text);
  assert.equal(r.headers['content-type'], 'application/json');
  assert.match(r.headers['x-request-id'] ?? '', /^req_.{22}$/);
  assert.deepEqual(Object.keys(r.json.error).sort(), ['code', 'message', 'param', 'type']);
};

// A stream, event by event: { res, times, text, done }.
function open(w, model, headers = {}) {
  return new Promise((done, fail) => {
    const r = http.request({ hostname: '127.0.0.1', port: w.port, method: 'POST', path: '/v1/chat/completions',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${w.token}`, ...headers }, agent: false },
    (res) => {
      const s = { req: r, res, times: [], text: '' };
      s.done = new Promise((end) => res.on('close', () => end(s)));
      res.on('error', () => {});
      res.on('data', (part) => {
        s.text += part;
        for (let i = String(part).split('"content":"').length; i > 1; i--) s.times.push(performance.now());
      });
      done(s);
    });
    r.on('error', fail);
    r.end(JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'hi' }] }));
  });
}

const rowOf = (w, id) => until(`the row of ${id}`, () =>
  w.log().find((r) => r.request_id === id && r.state !== 'open'));

row('stream', async (w) => {
  const s = await (await open(w, stream)).done;
  assert.match(s.text, /data: \[DONE\]/);
  const gaps = s.times.slice(1).map((t, i) => t - s.times[i]).sort((a, b) => a - b);
  const median = gaps[gaps.length >> 1];
  assert.ok(s.times.at(-1) - s.times[0] > 700, `all within ${s.times.at(-1) - s.times[0]} ms`);
  assert.ok(median > 50, `a gap of ${median} ms`);
  return `gap ${Math.round(median)} ms`;
}, { alone: true });

row('Authorization', async (w) => {
  const headers = { Authorization: `Bearer ${w.token}` };
  assert.equal((await w.request({ path: '/v1/models', headers })).status, 200);
  assert.equal((await w.request({ path: '//v1/models', headers })).status, 200);
  isApiError(await w.request({ path: '/v1/models' }), 401);
  return 'arrives';
});

row('receipt', async (w) => {
  const headers = { Authorization: `Bearer ${w.token}` };
  const id = (await w.chat(w.token)).headers['x-pontage-receipt'];
  const r = await until('it is final', async () => {
    const got = await w.request({ path: `/receipt/${id}`, headers });
    assert.ok([200, 202].includes(got.status), `${got.status} ${got.text}`);
    return got.status === 200 ? got : null;
  });
  assert.equal(r.json.adds_up, true);
  assert.ok(r.json.amount_nusd > 0);
  const text = await w.request({ path: `/v1/receipt/${id}?format=text`, headers });
  assert.match(text.headers['content-type'], /^text\/plain/);
  assert.match(text.text, /^amount +\$0\.\d+$/m);
  for (const at of ['/dashboard/billing/subscription', '/v1/dashboard/billing/usage', '/dashboard/billing/credit_grants', '/v1/usage'])
    assert.equal((await w.request({ path: at, headers })).status, 200, at);
  isApiError(await w.request({ path: '/receipt/req_none', headers }), 404);
  isApiError(await w.request({ path: `/receipt/${id}` }), 401);
  return 'adds up';
});

row('Idempotency-Key', async (w) => {
  const headers = { 'Idempotency-Key': 'once' };
  const first = await w.chat(w.token, {}, headers);
  await rowOf(w, first.headers['x-request-id']);
  const again = await w.chat(w.token, {}, headers);
  assert.equal(again.headers['idempotent-replayed'], 'true');
  assert.equal(again.text, first.text);
  return 'once';
});

row('1 MiB body', async (w) => {
  const content = 'a'.repeat(1 << 20);
  const began = performance.now();
  const r = await w.chat(w.token, { messages: [{ role: 'user', content }] });
  assert.equal(r.status, 200, r.text.slice(0, 300));
  assert.equal(r.json.choices[0].message.content, `echo: ${content}`);
  return `${Math.round(performance.now() - began)} ms`;
}, { alone: true });

row('client leaves', async (w) => {
  const s = await open(w, long);
  await until('some events', () => s.times.length >= 10);
  const others = (await w.mock.stats()).in_flight - 1; // the silent ones
  const began = performance.now();
  s.req.destroy();
  await until('the upstream is left', async () => (await w.mock.stats()).in_flight <= others, 3000);
  const took = performance.now() - began;
  const r = await rowOf(w, s.res.headers['x-request-id']);
  const settled = performance.now() - began;
  assert.equal(r.error, 'client_closed_request');
  assert.equal(r.state, 'settled');
  assert.ok(r.completion_tokens > 0 && r.completion_tokens < 400, `${r.completion_tokens} tokens`);
  assert.equal(r.cost_nusd, r.prompt_tokens * price.input * 1000 + r.completion_tokens * price.output * 1000);
  assert.ok(settled < 1500, `settled after ${settled} ms`);
  return `upstream ${Math.round(took)} ms`;
}, { alone: true });

row('413', async (w) => {
  const ours = await w.chat(w.token, `{"model":"mock-echo","messages":[],"x":"${'a'.repeat(20 << 20)}"}`);
  isApiError(ours, 413);
  const theirs = await w.request({
    method: 'POST', path: '/v1/chat/completions',
    headers: { 'Content-Length': 40 << 20, 'Content-Type': 'application/json' },
  });
  isApiError(theirs, 413);
  return 'JSON, JSON';
});

row('error pages', async (w) => {
  isApiError(await w.request({ path: '/v1/../admin' }), 400);
  isApiError(await w.request({ path: '/v1/%2e%2e/admin' }), 400);
  isApiError(await w.request({ path: '/v1/models%0d%0aX:%20y' }), 400);
  const page = await w.request({ path: '/nothing/here' });
  assert.equal(page.status, 404);
  assert.match(page.headers['content-type'], /^text\/html/);
  assert.equal((await w.request({ path: '/error/502' })).status, 404);
  const css = await w.request({ path: '/static/pontage.01234567.css' });
  assert.equal(css.status, 200);
  assert.match(css.headers['cache-control'], /immutable/);
  const name = await w.request({ path: '/v1/models/owner%2Fmodel', headers: { Authorization: `Bearer ${w.token}` } });
  assert.equal(name.status, 404);
  // AllowEncodedSlashes belongs to the host, and Apache refuses %2F before it
  // has looked at .htaccess.
  if (w.web === 'cgi') return "JSON, HTML; %2F is the host's 404";
  isApiError(name, 404);
  assert.equal(name.json.error.code, 'model_not_found');
  return 'JSON, HTML';
});

row('SDK round', async (w) => {
  const messages = [{ role: 'user', content: 'Hello, bridge' }];
  const whole = await w.client.chat.completions.create({ model: 'mock-echo', messages });
  assert.equal(whole.choices[0].message.content, 'echo: Hello, bridge');
  let text = '';
  for await (const chunk of await w.client.chat.completions.create({ model: 'mock-echo', messages, stream: true }))
    text += chunk.choices[0]?.delta?.content ?? '';
  assert.equal(text, 'echo: Hello, bridge');
  const ids = [];
  for await (const model of w.client.models.list()) ids.push(model.id);
  assert.ok(ids.includes('mock-echo'));
  await assert.rejects(w.client.chat.completions.create({ model: 'nope', messages }), { status: 404 });
  return 'chat, stream, list';
});

row('overload', async (w) => {
  const n = w.web === 'fcgid' ? 100 : busy + 16; // fcgid.conf says 64
  const began = performance.now();
  const many = await Promise.all(Array.from({ length: n }, () => open(w, slow)));
  const last = Math.round(performance.now() - began);
  const health = (await w.request({ path: '/readyz' })).status;
  await Promise.all(many.map((s) => s.done));
  const refused = many.filter((s) => s.res.statusCode !== 200);
  for (const s of refused) {
    assert.equal(s.res.statusCode, 503, s.text);
    assert.equal(s.res.headers['content-type'], 'application/json');
    assert.ok(Number(s.res.headers['retry-after']) > 0);
    assert.ok(JSON.parse(s.text).error.code);
  }
  for (const s of many.filter((one) => one.res.statusCode === 200))
    assert.match(s.text, /data: \[DONE\]/);
  assert.equal(health, 200);
  assert.ok(refused.length >= 10 && refused.length < n, `${refused.length} of ${n} refused`);
  assert.ok(last < 15000, `the last after ${last} ms`);
  return `${n - refused.length} served, ${refused.length} 503`;
}, { alone: true });

// The worker does nothing for a while, and what has waited by then is refused;
// by no client's word.
row('waited too long', async (w) => {
  const forged = { 'X-Pontage-T0': 't=1000000', 'X-Pontage_T0': 't=1000000', PONTAGE_T0: 'header' };
  assert.equal((await w.chat(w.token, {}, forged)).status, 200);
  if (!w.gateway) return 'nobody waits';
  const before = (await w.mock.stats()).models['mock-echo'];
  const pids = relays(w);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  const young = { 'X-Pontage-T0': `t=${Date.now() + 3600000}000` };
  const waiting = Promise.all(Array.from({ length: 6 }, () => w.chat(w.token, {}, young)));
  await sleep(3500);
  for (const pid of pids) process.kill(pid, 'SIGCONT');
  for (const r of await waiting) {
    isApiError(r, 503);
    assert.equal(r.json.error.code, 'overloaded');
    assert.ok(Number(r.headers['retry-after']) > 0);
  }
  assert.equal((await w.mock.stats()).models['mock-echo'], before);
  assert.equal((await w.chat(w.token, {})).status, 200);
  return '503';
}, { alone: true });

row('slow upload', async (w) => {
  const text = JSON.stringify({ model: 'mock-echo', messages: [{ role: 'user', content: 'a'.repeat(2000) }] });
  const took = performance.now();
  const status = await new Promise((done, fail) => {
    const { hostname, port } = new URL(w.base);
    const r = http.request({ hostname, port, agent: false, method: 'POST', path: '/v1/chat/completions',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${w.token}`, 'Content-Length': text.length } }, (res) => {
      res.resume();
      res.on('end', () => done(res.statusCode));
    });
    r.on('error', fail);
    let at = 0;
    const timer = setInterval(() => {
      r.write(text.slice(at, at += 250));
      if (at >= text.length) { clearInterval(timer); r.end(); }
    }, 500);
  });
  assert.equal(status, 200);
  return `200 after ${((performance.now() - took) / 1000).toFixed(1)} s`;
});

// The processes of this world's programs, by what they are started with.
function relays(w) {
  return fs.readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
    try {
      return fs.readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('relay.fcgi') &&
        fs.readFileSync(`/proc/${pid}/maps`, 'utf8').includes(w.state);
    } catch { return false; }
  }).map(Number);
}

row(`${silence / 1000} s of silence`, async (w) => {
  const r = await w.silent;
  if (r instanceof Error) throw r;
  const s = await w.silentStream;
  assert.equal(s.res.statusCode, 200);
  assert.match(s.text, /data: \[DONE\]/);
  if (w.web === 'cgi' && r.status !== 200) {
    // The script's time is the host's Timeout, here Apache's own of 60 s.
    isApiError(r, 504);
    assert.ok(Number(r.headers['retry-after']) > 0);
    return "streams; else the host's 504";
  }
  assert.equal(r.status, 200, r.text);
  assert.match(r.json.choices[0].message.content, /^echo/);
  return '200';
});

row('worker killed', async (w) => {
  const s = await open(w, long);
  await until('some events', () => s.times.length >= 10);
  const began = performance.now();
  for (const pid of relays(w)) process.kill(pid, 'SIGKILL');
  await s.done;
  const took = Math.round(performance.now() - began);
  assert.doesNotMatch(s.text, /\[DONE\]/);
  if (!w.gateway) {
    // Without `pontage tick` the next process looks around, at most each 5 s.
    await sleep(5100);
    assert.equal((await w.chat(w.token, {})).status, 200);
  }
  const r = await rowOf(w, s.res.headers['x-request-id']);
  return `cut ${took} ms, ${r.state}`;
});

row('gateway gone', async (w) => {
  await w.audit();
  if (w.gateway) {
    w.gateway.kill('SIGTERM');
    await w.gateway.gone;
  } else {
    for (const file of [w.conf, path.join(w.dir, 'home/pontage.conf')])
      if (fs.existsSync(file)) fs.renameSync(file, `${file}.away`);
    for (const pid of relays(w)) process.kill(pid, 'SIGTERM');
    await until('none left', () => relays(w).length === 0);
  }
  const r = await w.request({ path: '/v1/models', headers: { Authorization: `Bearer ${w.token}` } });
  isApiError(r, r.status);
  assert.ok([500, 502, 503].includes(r.status), r.text);
  for (const file of [w.conf, path.join(w.dir, 'home/pontage.conf')])
    if (fs.existsSync(`${file}.away`)) fs.renameSync(`${file}.away`, file);
  if (w.gateway) await w.serve();
  return `${r.status} in JSON`;
});

