// Everything at once, and processes that are killed with SIGKILL meanwhile, a
// database that is locked, a disk that is full.  The books must be right in
// every second of it, and in the end client, provider and database must agree.
//
//	node tests/storm/storm.mjs [REQUESTS] [PHASE...]     (100000, all)
//
// Each request has a tag of its own as its text, which the provider notes, and
// an id, which the client reads from the head of the answer.  callers.mjs says
// who asks what, deeds.mjs what operators do meanwhile and who is killed,
// books.mjs what must be so.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openWorld, root, sleep, until } from '../e2e/world.mjs';
import { compare, look } from './books.mjs';
import { models, start } from './callers.mjs';
import { catchUp, kills, operate } from './deeds.mjs';

const patience_ms = 20000;
const deadline_ms = 30000; // of a request

// --- a gateway with its users -----------------------------------------------------


async function open({ settings = {}, so, more = {}, names = models } = {}) {
  if (so) Object.assign(process.env, { LD_PRELOAD: so, ...more });
  const w = await openWorld({ names, channels: false, settings: { relay_workers: 4, drain_ms: 3000, restart_backoff_ms: 20,
    progress_ms: 200, deadline_ms, storage_refuse_mb: 0, storage_warn_mb: 0, ...settings } })
    .finally(() => { delete process.env.LD_PRELOAD; });
  const s = { w, keys: {}, given: { root: 1000e9 }, later: [], refunds: new Set(), wrong: [], findings: [], patience_ms,
    expiry_ms: deadline_ms + Number(settings.settle_ms ?? 30000) + 5000 };
  // Said once a kind and phase, so that the first one can be read.
  s.found = (who, what, text) => s.findings.some((f) => f.who === who && f.what === what) || s.findings.push({ who, what, text });
  w.channel('mock', { names, group: 'default,cheap' });
  for (const model of names) w.price(model);
  w.pontage('group', 'set', 'cheap', '--factor', '0.75');
  for (const [user, money] of Object.entries({ saver: 500, poor: 0.002, streamer: 0.02 })) {
    w.user(user, String(money));
    s.given[user] = money * 1e9;
  }
  w.pontage('user', 'set', 'saver', '--group', 'cheap');
  w.pontage('budget', 'set', 'group:cheap', 'day', '400');
  w.pontage('budget', 'set', 'user:saver', 'month', '300');
  w.pontage('budget', 'set', 'user:root', 'week', '900');
  s.keys = { root: w.key(), twice: w.key(), poor: w.key({ user: 'poor', limit: '100' }), streamer: w.key({ user: 'streamer' }),
    saver: w.key({ user: 'saver', 'limit-day': 300, 'limit-week': 300, 'limit-month': 300, limit: '300' }),
    tight: w.key({ user: 'saver', limit: '0.001' }) };
  s.db = new DatabaseSync(path.join(w.state, 'pontage.db'), { readOnly: true });
  s.close = () => { s.db.close(); return w.close(); };
  return s;
}

// --- a phase: load, trouble, and then peace ------------------------------------------

async function phase(s, name, trouble, more = {}) {
  const p = { name, all: [], ended: [], promised: new Map(), looks: { clean: 0, failed: [], slowest: 0 }, stop: false, began: Date.now(), ...more };
  p.after = s.db.prepare('SELECT coalesce(max(id), 0) AS n FROM request').get().n;
  s.deeds = { grant: 0, redeem: 0, refund: 0, adjust: 0 };
  await s.w.mock.reset();
  const busy = start(s, p), operator = operate(s, p);
  // Each second, or one after the other where they take longer.
  const watcher = (async () => { while (!p.stop) await Promise.all([look(s, p), sleep(1000)]); })();
  try {
    await trouble(p);
  } finally {
    p.stop = true;
    await Promise.all([busy, watcher, operator]);
  }
  const count = s.db.prepare('SELECT count(*) AS n FROM request WHERE state = \'open\'');
  await until('the sweep', () => count.get().n === 0, patience_ms).catch(() => {}); // compare() says so
  await until('what was put off', async () => { await catchUp(s); return s.later.length === 0; }, patience_ms);
  await look(s, p);
  return compare(s, p);
}

// Somebody else has the database.
async function locked(s, p, ms, during = () => sleep(ms)) {
  const db = new DatabaseSync(path.join(s.w.state, 'pontage.db'));
  const began = Date.now();
  db.exec('PRAGMA busy_timeout = 10000');
  db.exec('BEGIN IMMEDIATE');
  try {
    await during();
    p.locked_ms = (p.locked_ms ?? 0) + Date.now() - began;
  } finally {
    db.exec('ROLLBACK');
    db.close();
  }
}

// What is in the spool now: it is promised.
function promised(s, p) {
  const dir = path.join(s.w.state, 'spool');
  for (const file of fs.readdirSync(dir).filter((name) => name.endsWith('.jsonl')))
    for (const line of fs.readFileSync(path.join(dir, file), 'utf8').split('\n').slice(0, -1)) {
      const settle = JSON.parse(line.slice(17));
      p.promised.set(settle.request_id, settle.cost_nusd);
    }
  return p.promised.size;
}

const gone = (file) => until(`somebody died of ${path.basename(file)}`, () => !fs.existsSync(file), 20000);

const order = ['a worker', 'a worker in mid-commit', 'tick', 'a worker', 'a worker in mid-commit', 'a worker in mid-commit', 'the supervisor'];

// So many kills, and as many requests as are wanted.
function killing({ kill, requests, ms }) {
  return async (p) => {
    const count = {}, end = Date.now() + ms;
    let n = 0;
    for (let i = 0; n < kill || Date.now() < end || p.all.length < requests; i++) {
      await sleep((n < kill ? Math.min(400, ms / kill / 2) : 1500) * (0.5 + Math.random()));
      if (!await kills[order[i % order.length]](p.w)) continue;
      count[order[i % order.length]] = (count[order[i % order.length]] ?? 0) + 1;
      n++;
    }
    p.note = `${n} x kill -9 (${Object.entries(count).map(([k, v]) => `${v} ${k}`).join(', ')})`;
    await sleep(500);
  };
}

// --- the phases -------------------------------------------------------------------

const build = process.env.BUILD ?? path.join(root, 'build');

function makeTrouble() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'pontage-trouble-'));
  const so = path.join(dir, 'trouble.so');
  const made = spawnSync('gcc', ['-shared', '-fPIC', '-O1', '-D_GNU_SOURCE', '-o', so,
    path.join(root, 'tests/storm/trouble.c'), '-ldl'], { encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  return { dir, so, drop: () => fs.rmSync(dir, { recursive: true, force: true }) };
}

async function killStorm(say, { requests, ms, crowd }) {
  let left = requests;
  // An audit reads all there is: in rounds, so that there can be one each second.
  for (let round = 1; round === 1 || left > 0; round++) {
    const s = await open();
    try {
      const r = await phase(s, round > 1 ? `kill storm, round ${round}` : 'kill storm',
        killing({ kill: 20, requests: Math.min(left, 20000), ms }), { w: s.w, crowd });
      say(r);
      left -= r.requests;
      if (left <= 0) say(await phase(s, 'locked for 6 s', (p) => lockedFor6s(s, p)));
    } finally {
      await s.close();
    }
  }
}

async function lockedFor6s(s, p) {
  await sleep(500);
  await locked(s, p, 6000);
  p.note = 'settle_ms = 30000';
  await sleep(500);
}

// A settle that waits for longer than settle_ms goes to the spool; whoever has
// just put one there, or has just brought it back, is killed.
async function spoolStorm(say, { lock_ms }) {
  const points = Object.entries({ put: 'a line is synced', synced: 'its folder is', committed: 'it is replayed, before the file goes' })
    .filter(([point]) => !process.env.STORM_POINTS || process.env.STORM_POINTS.includes(point));
  const t = makeTrouble();
  const s = await open({ so: t.so, settings: { settle_ms: 800 } }).catch((e) => { t.drop(); throw e; });
  const arm = (point) => { const file = path.join(s.w.state, `crash-${point}`); fs.writeFileSync(file, ''); return file; };
  try {
    s.patience_ms += lock_ms;
    if (lock_ms > 30000)
      say(await phase(s, `locked for ${lock_ms / 1000} s`, async (p) => {
        await sleep(500);
        await locked(s, p, lock_ms, async () => { await sleep(lock_ms); promised(s, p); });
        p.note = `settle_ms = 800, ${p.promised.size} settles in the spool`;
        await sleep(500);
      }));
    for (const [point, what] of points)
      say(await phase(s, `killed once ${what}`, async (p) => {
        await sleep(500);
        await locked(s, p, 0, async () => {
          const file = arm(point);
          if (point !== 'committed') await gone(file);
          await until('a settle in the spool', () => promised(s, p), 20000);
          if (await kills['a worker'](s.w)) await sleep(300); // who dies with its spool full
          promised(s, p);
        });
        if (point === 'committed') await gone(path.join(s.w.state, 'crash-committed'));
        p.note = `${p.promised.size} settles in the spool`;
        await sleep(500);
      }));
  } finally {
    await s.close();
    t.drop();
  }
}

// A small disk of our own; where we may not mount one, writes that fail.
function smallDisk() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'pontage-disk-'));
  const made = process.env.STORM_MOUNT === '0' ? { status: 1 } : spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=128m', 'none', dir]);
  const drop = () => fs.rmSync(dir, { recursive: true, force: true });
  if (made.status === 0) {
    const file = path.join(dir, 'filled');
    return { note: 'a tmpfs of 128 MB, filled', dir,
      fill() {
        const fd = fs.openSync(file, 'a'), mb = Buffer.alloc(1 << 20);
        for (let n = mb.length; n >= 512;) try { if (fs.writeSync(fd, mb, 0, n) < n) n >>= 1; } catch { n >>= 1; }
        fs.closeSync(fd);
      },
      free: () => fs.unlinkSync(file),
      drop() { spawnSync('umount', ['-l', dir]); drop(); } };
  }
  const t = makeTrouble(), file = path.join(dir, 'full');
  return { note: 'no tmpfs may be mounted here: writes that fail with ENOSPC', so: t.so, more: { TROUBLE_FULL: file },
    fill: () => fs.writeFileSync(file, ''), free: () => fs.unlinkSync(file), drop() { t.drop(); drop(); } };
}

async function diskStorm(say, { rounds }) {
  const disk = smallDisk(), before = process.env.TMPDIR;
  try {
    if (disk.dir) process.env.TMPDIR = disk.dir;
    const s = await open({ settings: { settle_ms: 800 }, so: disk.so, more: disk.more });
    try {
      for (let i = 1; i <= rounds; i++)
        say(await phase(s, i > 1 ? `disk full, round ${i}` : 'disk full', async (p) => {
          await sleep(500);
          disk.fill();
          await sleep(1500);
          disk.fill(); // and what the gateway has made room of
          await sleep(2500);
          promised(s, p);
          if (i % 2 === 0) await kills['a worker'](s.w);
          await sleep(500);
          disk.free();
          p.note = `${disk.note}; ${p.promised.size} settles in the spool`;
          await sleep(2000);
        }, { full: true }));
    } finally {
      await s.close();
    }
  } finally {
    if (before === undefined) delete process.env.TMPDIR; else process.env.TMPDIR = before;
    disk.drop();
  }
}

// Load and nothing else, until something is found: for programs that are wrong.
async function calm(say, { ms }) {
  const s = await open();
  try {
    say(await phase(s, 'calm', async (p) => {
      for (const end = Date.now() + ms; Date.now() < end && !s.findings.length;) await sleep(100);
    }));
  } finally {
    await s.close();
  }
}

export const phases = {
  kill: { run: killStorm, short: { requests: 0, ms: 8000 }, long: { ms: 20000, crowd: 4 } },
  spool: { run: spoolStorm, short: { lock_ms: 0 }, long: { lock_ms: 32000 } },
  disk: { run: diskStorm, short: { rounds: 1 }, long: { rounds: 4 } },
  calm: { run: calm, short: { ms: 5000 } },
};

// All that was wrong is said before the first of it fails.
export async function storm(name, how) {
  const wrong = [], total = { requests: 0, answered: 0, wrong };
  await phases[name].run((r) => {
    console.log(r.lines.join('\n'));
    total.requests += r.requests;
    total.answered += r.answered;
    for (const [what, list] of Object.entries(r.wrong)) if (list.length) wrong.push(`${r.name}: ${list.length} ${what}`);
  }, how);
  return total;
}

export function check({ answered, wrong }) {
  assert.deepEqual(wrong, []);
  assert.ok(answered > 50, `${answered} answered`);
}

if (process.argv[1] === import.meta.filename) {
  const wanted = Number(process.argv[2] ?? 100000), began = Date.now();
  const names = process.argv.length > 3 ? process.argv.slice(3) : ['spool', 'disk', 'kill'];
  let n = 0;
  const wrong = [];
  for (const name of names) {
    const r = await storm(name, wanted ? { ...phases[name].short, ...phases[name].long, requests: wanted - n } : phases[name].short);
    n += r.requests;
    wrong.push(...r.wrong);
  }
  console.log(`storm: ${n} requests in ${((Date.now() - began) / 1000).toFixed(0)} s, ${wrong.length} wrong`);
  process.exitCode = wrong.length ? 1 : 0;
}
