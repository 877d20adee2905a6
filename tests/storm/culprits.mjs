// Nobody waits for somebody: what 200 healthy streams feel of a bad neighbour.
// Each culprit runs beside them for a while; the delay of their events with it
// and without it is printed.
//
//	node tests/storm/culprits.mjs [SECONDS]     (6, for each)
//
// Printed to be judged, not asserted: two cores carry all of it, and a garbage
// collection of this very program is a culprit too.  Asserted is that no stream
// is cut or garbled.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { openWorld, root, sleep } from '../e2e/world.mjs';

const build = process.env.BUILD ?? path.join(root, 'build');
const stream = 'mock-stream-2000-50';
const models = [stream, 'mock-echo', 'mock-flood', 'mock-long-line'];

// tests/bench/load.c, as a promise of its JSON.
function load(w, ...args) {
  const kid = spawn(path.join(build, 'tools/load'), ['--url', w.base, '--json', '-', ...args.map(String)],
    { env: { ...process.env, LD_PRELOAD: '', PONTAGE_KEY: w.loadKey }, stdio: ['ignore', 'pipe', 'ignore'] });
  let out = '';
  kid.stdout.on('data', (part) => { out += part; });
  const done = new Promise((ok) => { kid.on('close', () => ok(out ? JSON.parse(out) : {})); });
  return Object.assign(done, { stop: () => kid.kill() });
}

const head = (w, length) => `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
  `Authorization: Bearer ${w.loadKey}\r\nContent-Length: ${length}\r\n\r\n`;
const body = (model, more = {}) => JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }], ...more });

// n sockets that do something; stop() ends them.
function sockets(n, to, each) {
  const all = Array.from({ length: n }, () => {
    const s = net.connect(to);
    s.on('error', () => {});
    s.on('connect', () => each(s));
    return s;
  });
  return { stop: () => all.forEach((s) => { clearInterval(s.timer); s.destroy(); }) };
}

// FastCGI records, for those that come straight to the socket.
function record(type, content) {
  const b = Buffer.from(content);
  const h = Buffer.from([1, type, 0, 1, b.length >> 8, b.length & 255, 0, 0]);
  return Buffer.concat([h, b]);
}
const param = (k, v) => Buffer.concat([Buffer.from([k.length, v.length]), Buffer.from(k + v)]);

const drop = (s, text) => { s.timer = setInterval(() => s.write(text), 100); };

const culprits = {
  'nobody': () => ({ stop() {} }),
  'nobody, again': () => ({ stop() {} }),
  '100 uploads at 100 B/s': (w) => sockets(100, { port: w.port, host: '127.0.0.1' }, (s) => {
    s.write(head(w, 100000));
    drop(s, '          ');
  }),
  '100 of them at the FastCGI socket': (w) => sockets(100, { path: `${w.state}/relay.sock` }, (s) => {
    const params = { REQUEST_METHOD: 'POST', REQUEST_URI: '/v1/chat/completions', CONTENT_TYPE: 'application/json',
      CONTENT_LENGTH: '100000', REMOTE_ADDR: '127.0.0.1', HTTP_AUTHORIZATION: `Bearer ${w.loadKey}` };
    s.write(record(1, [0, 1, 0, 0, 0, 0, 0, 0]));
    s.write(record(4, Buffer.concat(Object.entries(params).map(([k, v]) => param(k, v)))));
    s.write(record(4, ''));
    drop(s, record(5, '          '));
  }),
  '200 clients that do not read': (w) => sockets(200, { port: w.port, host: '127.0.0.1' }, (s) => {
    const b = body('mock-flood', { stream: true });
    s.pause();
    s.write(head(w, b.length) + b);
  }),
  'a name server of 3 s, clients leave': (w) => {
    fs.writeFileSync(`${w.slow}/dns`, '');
    const l = load(w, '--model', 'mock-slow-name', '--any-text', '--connections', 50, '--abort-after-ms', 300, '--seconds', w.seconds);
    return { stop() { fs.rmSync(`${w.slow}/dns`); l.stop(); } };
  },
  'a disk whose fsync takes 500 ms': (w) => {
    fs.writeFileSync(`${w.slow}/disk`, '');
    const l = load(w, '--model', 'mock-echo', '--connections', 20, '--seconds', w.seconds);
    return { stop() { fs.rmSync(`${w.slow}/disk`); l.stop(); } };
  },
  'a stopped supervisor, a full pipe, debug': (w) => {
    process.kill(w.gateway.pid, 'SIGSTOP');
    const l = load(w, '--model', 'mock-echo', '--connections', 8, '--rate', 500, '--seconds', w.seconds);
    return { async stop() {
      const t = await l;
      w.note = `; ${t.right} of ${t.sent} requests right meanwhile`;
      process.kill(w.gateway.pid, 'SIGCONT');
    } };
  },
  'JSON bodies of 16 MiB, the worst ones': (w) => {
    const text = '\\u00e9'.repeat((16777216 - 200) / 6);
    const b = `{"model":"mock-echo","messages":[{"role":"user","content":"${text}"}]}`;
    return sockets(2, { port: w.port, host: '127.0.0.1' }, (s) => { s.resume(); s.write(head(w, b.length) + b); });
  },
  'upstreams that send 100 MB in a line': (w) => sockets(4, { port: w.port, host: '127.0.0.1' }, (s) => {
    const b = body('mock-long-line', { stream: true });
    const again = () => s.write(head(w, b.length) + b);
    s.on('data', again);
    again();
  }),
};

const ms = (us) => (us / 1000).toFixed(1).padStart(8);

// Until the buffers on the way to those who do not read are full, they are
// ordinary fast streams.
const filling = '200 clients that do not read';

async function beside(w, name) {
  const early = name === filling && culprits[name](w);
  if (early) await sleep(6000);
  const streams = load(w, '--model', stream, '--stream', '--hold', '--connections', 200, '--seconds', w.seconds + 2, '--no-usage');
  await sleep(1000);
  w.note = '';
  const culprit = early || culprits[name](w);
  await sleep(w.seconds * 1000);
  await culprit.stop();
  const t = await streams;
  const d = t.event_delay_us ?? {};
  return { name, note: w.note, held: t.held, failed: t.failed, p99: d.p99 ?? d.p99_us, worst: d.max ?? d.max_us, raw: t };
}

export async function run(seconds, only = Object.keys(culprits)) {
  const slow = fs.mkdtempSync(path.join(os.tmpdir(), 'pontage-slow-'));
  const so = path.join(slow, 'slow.so');
  const made = spawnSync('gcc', ['-shared', '-fPIC', '-O1', '-D_GNU_SOURCE', '-o', so, path.join(root, 'tests/storm/slow.c'), '-ldl'], { encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  spawnSync('mkfifo', [`${slow}/log`]);
  const pipe = fs.openSync(`${slow}/log`, fs.constants.O_RDWR | fs.constants.O_NONBLOCK); // nobody reads it
  Object.assign(process.env, { LD_PRELOAD: so, SLOW_DIR: slow });
  const rows = [];
  try {
    const w = await openWorld({ channels: false, settings: {
      relay_workers: 1, watchdog_ms: 60000, log_level: 'debug', log_file: `${slow}/log` } });
    delete process.env.LD_PRELOAD;
    try {
      Object.assign(w, { slow, seconds, loadKey: w.key().key });
      w.channel('mock', { names: models });
      w.channel('named', { names: ['mock-slow-name'], url: `http://slow.test:${w.mock.port}/v1`, allow: '127.0.0.0/8' });
      for (const m of [...models, 'mock-slow-name']) w.price(m);
      for (const name of only) rows.push(await beside(w, name));
    } finally {
      fs.writeFileSync(pipe, ''); fs.closeSync(pipe);
      await w.close();
    }
  } finally {
    delete process.env.LD_PRELOAD;
    fs.rmSync(slow, { recursive: true, force: true });
  }
  const none = Math.max(...rows.slice(0, 2).map((r) => r.worst));
  console.log(['200 streams, an event each 50 ms; the delay of their events in ms:',
    `  ${'beside them'.padEnd(42)}     p99    worst     more`,
    ...rows.map((r) => `  ${r.name.padEnd(42)}${ms(r.p99)}${ms(r.worst)} ${ms(r.worst - none)}  ${r.held} held, ${r.failed} failed${r.note}`),
  ].join('\n'));
  return rows;
}

export function check(rows) {
  for (const r of rows) {
    assert.equal(r.failed, 0, `${r.name}: ${JSON.stringify(r.raw.fail)}`);
    assert.equal(r.held, 200, r.name);
  }
}

if (process.argv[1] === import.meta.filename)
  check(await run(Number(process.argv[2] ?? 6), process.argv.length > 3 ? process.argv.slice(3) : undefined));
