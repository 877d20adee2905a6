// Numbers for Prometheus: what happened is what is counted.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openWorld, sleep, until } from './world.mjs';

let w, key;

before(async () => {
  w = await openWorld({ settings: { progress_ms: 100 } });
  key = w.key();
});
after(() => w?.close());

async function metrics() {
  const r = await w.request({ path: '/metrics' });
  assert.equal(r.status, 200);
  assert.match(r.headers['content-type'], /^text\/plain; version=0\.0\.4/);
  assert.doesNotMatch(r.text, /sk-|secret/);
  return Object.fromEntries([...r.text.matchAll(/^pontage_(\w+) (-?\d+)$/gm)].map((m) => [m[1], Number(m[2])]));
}

test('what happened is counted once', async () => {
  const was = await metrics();
  await w.chat(key.key, {});
  await w.chat(key.key, { stream: true });
  await w.chat(key.key, { temperature: 'hot' });
  const now = await until('all is settled', async () => {
    const m = await metrics();
    return m.open_reservations === 0 && m.settled_total - was.settled_total === 2 ? m : null;
  });
  const grew = (name) => now[name] - was[name];
  assert.equal(grew('requests_total'), 2);
  assert.equal(grew('reserved_total'), 2);
  assert.equal(grew('streams_total'), 1);
  assert.equal(grew('attempts_total'), 2);
  assert.equal(grew('refused_total'), 1);
  assert.equal(grew('retries_total') + grew('upstream_errors_total') + grew('voided_total') + grew('swept_total'), 0);
  assert.ok(grew('bytes_in_total') > 0 && grew('bytes_out_total') > grew('bytes_in_total'));
  assert.equal(now.spool_files, 0);
  assert.ok(now.wal_bytes > 0);
});
