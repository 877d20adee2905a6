// Many streams at once behind nginx, all of them whole, and what they cost.
//
//	node tests/storm/hold.mjs [STREAMS] [SECONDS] [RATE]     (10000, 40, 800)
//
// RELAY_WORKERS=2: so many of them; else as many as have room to spare.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { openWorld, root, sleep } from '../e2e/world.mjs';

const build = process.env.BUILD ?? path.join(root, 'build');
const streams = Number(process.argv[2] ?? 10000), seconds = Number(process.argv[3] ?? 40);
const rate = Number(process.argv[4] ?? 800); // opened a second
const model = 'mock-stream-200-2000';

// Two descriptors a stream, of the limit of one process.
const files = Number(fs.readFileSync('/proc/self/limits', 'utf8').match(/Max open files +\d+ +(\d+)/)[1]);
const workers = Number(process.env.RELAY_WORKERS) || Math.ceil(streams * 1.1 / ((files - 832) / 3));

const pss = (pid) => {
  try { return Number(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').match(/Pss: +(\d+)/)[1]); } catch { return 0; }
};
const w = await openWorld({ channels: false, settings: { relay_workers: workers } });
try {
  w.channel('mock', { names: [model] });
  w.price(model);
  const memory = () => w.processes().map((p) => [p.name.slice(0, 10), pss(p.pid)]);
  const sum = (list) => list.reduce((n, [, kb]) => n + kb, 0);
  const idle = sum(memory());
  const kid = spawn(path.join(build, 'tools/load'), ['--url', w.base, '--json', '-', '--model', model, '--stream', '--hold',
    '--connections', streams, '--rate', rate, '--seconds', seconds, '--timeout-ms', '120000'].map(String),
    { env: { ...process.env, PONTAGE_KEY: w.key().key } });
  let out = '';
  kid.stdout.on('data', (part) => { out += part; });
  const over = new Promise((done) => { kid.on('close', done); });
  await sleep(seconds * 1000 - 5000);
  const busy = memory();
  await over;
  const t = JSON.parse(out);
  console.log(`hold: ${streams} streams behind nginx, ${workers} relay workers: ${t.held} held, ${t.failed} failed ${JSON.stringify(t.fail)}`);
  console.log(`  memory (PSS) ${(sum(busy) / 1024).toFixed(1)} MB, idle ${(idle / 1024).toFixed(1)} MB: ` +
    `${((sum(busy) - idle) / streams).toFixed(1)} KB a stream; ${busy.map(([n, kb]) => `${n} ${(kb / 1024).toFixed(1)}`).join(', ')}`);
  const why = {};
  for (const [, words] of fs.readFileSync(w.logFile, 'utf8').matchAll(/ev=relay\.refused .* why="([^"]+)"/g))
    why[words] = (why[words] ?? 0) + 1;
  for (const [words, n] of Object.entries(why)) console.log(`  refused: ${n} x ${words}`);
  console.log(`  event delay p99 ${t.event_delay_us.p99 / 1000} ms`);
  assert.equal(t.held, streams);
} finally {
  await w.close().catch((e) => console.error(e.message));
}
