// More than there is room for: 503 with Retry-After in JSON, at once, and the
// pages and probes answer all the while.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { openWorld, sleep, until } from './world.mjs';

let w, key;
before(async () => {
  w = await openWorld({ names: ['mock-echo', 'mock-delay-300', 'mock-delay-2000', 'mock-stream-20-50'], settings: { relay_workers: 1, max_inflight: 20, queue_age_ms: 1000, max_bodies_bytes: 8388608, drain_ms: 3000 } });
  ({ key } = w.key());
});
after(() => w?.close());

// Looks at the admin side while `work` runs; how often it looked, the slowest.
async function watched(work) {
  let over = false, n = 0, slowest = 0;
  const done = work.finally(() => { over = true; });
  while (!over) {
    for (const at of ['/readyz', '/livez']) {
      const began = Date.now();
      const r = await w.request({ path: at });
      assert.equal(r.status, 200, `${at}: ${r.status} ${r.text.slice(0, 200)}`);
      slowest = Math.max(slowest, Date.now() - began);
      n++;
    }
    await sleep(20);
  }
  return { n, slowest, all: await done };
}

// Each is right, or says that there is no room; nothing else.
function count(all) {
  const refused = all.filter((r) => r.status === 503);
  for (const r of refused) {
    assert.equal(r.json?.error?.code, 'overloaded', r.text.slice(0, 200));
    assert.ok(Number(r.headers['retry-after']) >= 1, 'Retry-After');
    assert.match(r.headers['x-request-id'], /^req_\w{22}$/);
  }
  const right = all.filter((r) => r.status === 200 && r.json);
  assert.equal(right.length + refused.length, all.length,
    JSON.stringify(all.filter((r) => ![200, 503].includes(r.status)).slice(0, 2).map((r) => [r.status, r.text])));
  return { right: right.length, refused: refused.length };
}

const many = (n, body) => Promise.all(Array.from({ length: n }, async () => {
  const began = Date.now();
  return Object.assign(await w.chat(key, body), { ms: Date.now() - began });
}));

test('past max_inflight: 503 before work begins', async () => {
  const { n, slowest, all } = await watched(many(200, { model: 'mock-delay-2000' }));
  const { right, refused } = count(all);
  const late = Math.max(...all.filter((r) => r.status === 503).map((r) => r.ms));
  console.log(`overload: 200 at once, room for 20: ${right} right, ${refused} times 503, the last after ${late} ms; ${n} probes, slowest ${slowest} ms`);
  assert.ok(right >= 15 && right <= 25, `${right} right`);
  assert.equal((await w.mock.stats()).models['mock-delay-2000'], right);
  assert.equal((await w.chat(key)).status, 200);
});

const quantile = (all, q) => all.sort((a, b) => a - b)[Math.min(all.length - 1, Math.floor(all.length * q))];

test('while it is full, and past a limit: refusals do not wait, nor does the admin side', async () => {
  const limited = w.key({ rpm: 1 });
  assert.equal((await w.chat(limited.key)).status, 200);
  for (const [what, who, status, code, fill] of [
    ['full', key, 503, 'overloaded', 24], ['past a limit', limited.key, 429, 'rate_limit_exceeded', 0]]) {
    const end = Date.now() + 4000, refused = [];
    const full = Array.from({ length: fill }, async () => {
      while (Date.now() < end) await w.chat(key, { model: 'mock-delay-2000' });
    });
    await sleep(300);
    const { n, slowest } = await watched(Promise.all(Array.from({ length: 8 }, async () => {
      while (Date.now() < end) {
        const began = Date.now(), r = await w.chat(who);
        if (r.status === status && r.json.error.code === code) refused.push(Date.now() - began);
        else assert.equal(r.status, 200, r.text);
      }
    })));
    await Promise.all(full);
    console.log(`overload: ${what}: ${refused.length} times ${status}, p50 ${quantile(refused, 0.5)} ms, p99 ${quantile(refused, 0.99)} ms; ${n} probes, slowest ${slowest} ms`);
    assert.ok(refused.length > 100, `${refused.length} refused`);
  }
});

test('past max_bodies_bytes: 503, and the next small one is served', async () => {
  const content = 'x'.repeat(1 << 20);
  const all = await many(16, { model: 'mock-delay-2000', messages: [{ role: 'user', content }] });
  const { right, refused } = count(all);
  console.log(`overload: 16 bodies of 1 MiB, room for 8: ${right} right, ${refused} times 503`);
  assert.ok(refused >= 4 && right >= 4, `${right} right, ${refused} refused`);
  assert.equal((await w.chat(key)).status, 200);
});

const seen = () => fs.readFileSync(w.logFile, 'utf8');
const times = (what) => (seen().match(what) ?? []).length;
async function reload() {
  const before = times(/ev=serve\.ready/g);
  w.gateway.kill('SIGHUP');
  await until('new workers', () => times(/ev=serve\.ready/g) > before);
}

// As LimitDATA= of a unit: a part of it is kept for what runs.
test('memory runs out: 503, and no worker dies', { skip: process.env.ASAN_OPTIONS && 'a sanitizer sets more aside' }, async () => {
  const conf = fs.readFileSync(w.conf, 'utf8');
  fs.writeFileSync(w.conf, conf.replace(/max_inflight.*\n|max_bodies_bytes.*\n/g, ''));
  execFileSync('prlimit', [`--pid=${w.gateway.pid}`, `--data=${96 << 20}:`]);
  await reload();
  const content = 'x'.repeat(1 << 20);
  const { n, slowest, all } = await watched(Promise.all([
    many(300, { model: 'mock-stream-20-50', stream: true }), many(40, { model: 'mock-delay-2000', messages: [{ role: 'user', content }] })]).then((two) => two.flat()));
  for (const r of all) if (/\[DONE\]/.test(r.text)) r.json = {};
  const { right, refused } = count(all);
  const used = all.filter((r) => /memory is used up/.test(r.text)).length;
  console.log(`overload: 300 streams, 40 bodies of 1 MiB, 96 MiB of data: ${right} right, ${refused} times 503, ${used} for memory; ${n} probes, slowest ${slowest} ms`);
  assert.ok(right >= 10 && refused >= 10, `${right} right, ${refused} refused`);
  assert.equal(times(/ev=(serve\.died|mem\.out)/g), 0, 'a worker died');
  execFileSync('prlimit', [`--pid=${w.gateway.pid}`, '--data=unlimited:']);
  fs.writeFileSync(w.conf, conf);
  await until('it is healthy', async () => (await w.chat(key)).status === 200, 3000);
  assert.equal(times(/ev=(serve\.died|mem\.out)/g), 0, 'a worker died');
  await reload();
});

test('descriptors run out: still only right answers and 503', async () => {
  execFileSync('prlimit', [`--pid=${w.gateway.pid}`, '--nofile=90:90']);
  await reload();
  assert.match(seen(), /ev=worker\.start files=90 /);
  // Connections that say nothing take their share.
  const idle = Array.from({ length: 10 }, () => net.connect(`${w.state}/relay.sock`).on('error', () => {}));
  await sleep(200);
  const { n, slowest, all } = await watched(many(150, { model: 'mock-delay-300' }));
  const { right, refused } = count(all);
  console.log(`overload: 150 at once, 90 descriptors: ${right} right, ${refused} times 503; ${n} probes, slowest ${slowest} ms`);
  idle.forEach((s) => s.destroy());
  assert.ok(right >= 8, `${right} right`);
  await until('it is healthy', async () => (await w.chat(key)).status === 200);
});
