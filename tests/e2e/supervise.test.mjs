// Reloads under load, and a worker that is stuck.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { openWorld, root, sleep, until } from './world.mjs';

const build = process.env.BUILD ?? path.join(root, 'build');
const models = ['mock-echo', 'mock-stream-120-50', 'mock-delay-300'];
let w;
before(async () => {
  w = await openWorld({ channels: false, settings: {
    relay_workers: 2, drain_ms: 60000, watchdog_ms: 1000, heartbeat_ms: 200, restart_backoff_ms: 20 } });
  w.channel('mock', { names: models });
  for (const model of models) w.price(model);
});
after(() => w?.close());

const workers = () => w.processes().filter((p) => p.name.startsWith('relay.fcgi')).map((p) => p.pid);
const serving = () => Number(fs.readFileSync(w.logFile, 'utf8').match(/ev=serve\.ready generation=\d+/g)?.at(-1).match(/\d+$/) ?? 0);

// tests/bench/load.c: checks every answer.
function load(...args) {
  const key = w.key().key;
  const kid = spawn(path.join(build, 'tools/load'), ['--url', w.base, '--json', '-', ...args],
    { env: { ...process.env, PONTAGE_KEY: key } });
  let out = '';
  kid.stdout.on('data', (part) => { out += part; });
  return new Promise((done) => { kid.on('close', () => done(JSON.parse(out))); });
}

test('ten reloads in a row: 200 streams end with [DONE], and no request fails', async () => {
  const before = workers();
  const streams = load('--model', 'mock-stream-120-50', '--stream', '--connections', '200', '--requests', '200');
  await until('all streams', async () => (await w.mock.stats()).in_flight === 200);
  const whole = load('--model', 'mock-echo', '--connections', '16', '--seconds', '9');
  for (let i = 0; i < 10; i++) {
    const was = serving();
    w.gateway.kill('SIGHUP');
    await until('the next generation', () => serving() > was, 15000);
    await sleep(200);
  }
  assert.ok(!workers().slice(-2).some((pid) => before.includes(pid)));
  const [s, r] = await Promise.all([streams, whole]);
  console.log(`reload: 10 x SIGHUP, 200 streams: ${s.right} whole; ${r.right} of ${r.sent} requests right`);
  assert.equal(s.failed, 0, JSON.stringify(s.fail));
  assert.equal(r.failed, 0, JSON.stringify(r));
  assert.equal(s.right, 200);
  assert.ok(r.right >= 2000, `${r.right} requests`);
  await until('the old workers have gone', () => workers().length === 2, 30000);
});

test('a worker that is stuck is killed and replaced, and the log says why', async () => {
  const [victim] = workers();
  process.kill(victim, 'SIGSTOP');
  await until('it is replaced', () => {
    const now = workers();
    return now.length === 2 && !now.includes(victim);
  }, 10000);
  assert.match(fs.readFileSync(w.logFile, 'utf8'), new RegExp(`ev=serve\\.stuck .*pid=${victim} silent_ms=\\d+`));
  const r = await load('--model', 'mock-echo', '--connections', '8', '--requests', '200');
  assert.equal(r.failed, 0, JSON.stringify(r.fail));
});
