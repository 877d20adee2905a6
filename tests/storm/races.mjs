// ThreadSanitizer's look at whole workers: answers, streams, callers that leave,
// and a reload each few seconds, all at once.  Nothing may be reported.
//
//	BUILD=build/tsan node tests/storm/races.mjs [SECONDS]     (8)
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { openWorld, root, sleep } from '../e2e/world.mjs';

const build = process.env.BUILD ?? path.join(root, 'build/tsan');
const seconds = Number(process.argv[2] ?? 8);
const names = ['mock-echo', 'mock-stream-20-5', 'mock-stream-400-10'];

const w = await openWorld({ settings: { relay_workers: 2, watchdog_ms: 60000 }, names });
let over = false;
try {
  const { key } = w.key();
  const load = (model, ...args) => new Promise((done) => {
    const kid = spawn(path.join(build, 'tools/load'), ['--url', w.base, '--json', '-', '--model', model,
      '--seconds', String(seconds), '--timeout-ms', '60000', ...args], { env: { ...process.env, PONTAGE_KEY: key } });
    let out = '';
    kid.stdout.on('data', (part) => { out += part; });
    kid.on('close', () => done(JSON.parse(out)));
  });
  const all = Promise.all([
    load('mock-echo', '--connections', '6'),
    load('mock-stream-20-5', '--stream', '--connections', '10'),
    load('mock-stream-400-10', '--stream', '--connections', '8', '--abort-after-ms', '150'),
  ]).finally(() => { over = true; });
  let reloads = 0;
  for (; !over && reloads < seconds / 3; reloads++) {
    await sleep(2500);
    w.gateway.kill('SIGHUP');
  }
  const [whole, streams, aborts] = await all;
  console.log(`races: ${whole.right} answers, ${streams.right} streams, ${aborts.aborted} left, ${reloads} reloads`);
  assert.equal(whole.failed + streams.failed, 0, JSON.stringify([whole.fail, streams.fail]));
  assert.ok(whole.right && streams.right && aborts.aborted);
} finally {
  await w.close(); // reads the log for reports
}
