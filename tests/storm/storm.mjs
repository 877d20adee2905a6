// Processes are killed with SIGKILL while requests are in flight; afterwards
// what the clients saw, what the fake provider saw and what the database says
// are compared, request by request.
//
//	node tests/storm/storm.mjs [SECONDS]     (60)
//
// Each request has a tag of its own as its text, which the provider notes, and
// an id, which the client reads from the head of the answer.  So:
//   - an answered request is in the database once, and reached the provider once;
//   - one that failed says so: an error in JSON, or an end that is none;
//   - the provider was never asked twice for one request;
//   - after the sweep nothing is open and nothing is held;
//   - `pontage audit` is clean at every second of it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { openWorld, root, sleep, until } from '../e2e/world.mjs';

const build = process.env.BUILD ?? path.join(root, 'build');
const patience = 15000;

// What is asked, by how many callers at once.
const callers = [
  { n: 12, model: 'mock-echo' },
  { n: 6, model: 'mock-delay-300' },
  { n: 8, model: 'mock-stream-20-5', stream: true },
  { n: 2, model: 'mock-stream-400-10', stream: true },
];

// How an answer ended: whole, error (in JSON), cut (the client can tell), or
// what must not be: garbled, hung.
function judge(a, asked) {
  if (a.hung) return 'hung';
  if (!a.status) return 'cut';
  if (a.status !== 200) {
    try { return JSON.parse(a.text).error.message ? 'error' : 'garbled'; } catch { /* below */ }
    return a.broken ? 'cut' : 'garbled';
  }
  if (asked.stream) {
    const done = /data: \[DONE\]\n\n$/.test(a.text);
    if (done) return /"finish_reason":"stop"/.test(a.text) ? 'whole' : 'garbled';
    return /"error":/.test(a.text) ? 'error' : 'cut';
  }
  try {
    const said = JSON.parse(a.text).choices[0].message.content;
    return said.includes(asked.tag) ? 'whole' : 'garbled';
  } catch { return 'cut'; }
}

function ask(port, key, asked) {
  const a = { text: '' };
  const body = JSON.stringify({ model: asked.model, stream: asked.stream,
    messages: [{ role: 'user', content: asked.tag }] });
  return new Promise((done) => {
    const over = () => { clearTimeout(timer); done(a); };
    const r = http.request({ port, host: '127.0.0.1', method: 'POST', agent: false, path: '/v1/chat/completions',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` } }, (res) => {
      a.status = res.statusCode;
      a.id = res.headers['x-request-id'];
      res.setEncoding('utf8');
      res.on('data', (part) => { a.text += part; });
      res.on('error', () => { a.broken = true; over(); });
      res.on('close', () => { a.broken ||= !res.complete; over(); });
    });
    const timer = setTimeout(() => { a.hung = true; r.destroy(); over(); }, patience);
    r.on('error', over);
    r.end(body);
  });
}

const named = (w, name) => w.processes().filter((p) => p.name.startsWith(name));

// A thread of the process that waits for the disk: the writer, in a commit.
function onDisk(pid) {
  try {
    return fs.readdirSync(`/proc/${pid}/task`).some((t) =>
      / D /.test(fs.readFileSync(`/proc/${pid}/task/${t}/stat`, 'utf8').replace(/^.*\)/, ' ')));
  } catch { return false; }
}

const kill = (pid) => { try { process.kill(pid, 'SIGKILL'); return true; } catch { return false; } };
const any = (list) => list[Math.floor(Math.random() * list.length)];

// Each kills one process; false: there was none.
const kills = {
  'a worker': async (w) => { const p = any(named(w, 'relay')); return p && kill(p.pid); },
  'a worker in mid-commit': async (w) => {
    const p = any(named(w, 'relay'));
    if (!p) return false;
    for (const end = Date.now() + 500; Date.now() < end && !onDisk(p.pid);) if (!fs.existsSync(`/proc/${p.pid}`)) return false;
    return onDisk(p.pid) && kill(p.pid);
  },
  // admin.fcgi is not among them: it carries no requests.
  tick: async (w) => {
    const p = w.processes().filter((x) => x.name.startsWith('pontage'))[1];
    return p && kill(p.pid);
  },
  'the supervisor': async (w) => {
    kill(w.gateway.pid);
    await w.gateway.gone;
    await w.serve();
    return true;
  },
};
const order = ['a worker', 'a worker in mid-commit', 'tick', 'a worker', 'a worker in mid-commit', 'a worker in mid-commit', 'the supervisor'];

function audit(w) {
  return new Promise((done) => {
    const kid = spawn(path.join(build, 'pontage'), ['audit', '--conf', w.conf]);
    let said = '';
    kid.stdout.on('data', (part) => { said += part; });
    kid.stderr.on('data', (part) => { said += part; });
    kid.on('close', (status) => done({ status, said }));
  });
}

async function rage(w, seconds, least, count) {
  const end = Date.now() + seconds * 1000;
  for (let i = 0, n = 0; Date.now() < end || n < least; i++) {
    const what = order[i % order.length];
    await sleep(Math.max(50, Math.min(400, (seconds * 1000) / least / 2)) * (0.5 + Math.random()));
    if (!await kills[what](w)) continue;
    count[what] = (count[what] ?? 0) + 1;
    n++;
  }
}

export async function storm({ seconds, least = 20 }) {
  const w = await openWorld({ settings: { relay_workers: 2, drain_ms: 3000, restart_backoff_ms: 20, progress_ms: 200 } });
  try {
    const { key } = w.key();
    const all = [], killed = {}, audits = [];
    let stop = false, number = 0;
    const call = async ({ model, stream }) => {
      while (!stop) {
        const asked = { model, stream: !!stream, tag: `storm-${number++}-` };
        const a = await ask(w.port, key, asked);
        all.push({ ...asked, id: a.id, status: a.status, how: judge(a, asked), text: a.text.slice(0, 300) });
        if (a.status !== 200) await sleep(20);
      }
    };
    const busy = callers.flatMap((c) => Array.from({ length: c.n }, () => call(c)));
    const auditor = (async () => {
      while (!stop) { audits.push(await audit(w)); await sleep(1000); }
    })();
    await rage(w, seconds, least, killed);
    await sleep(500);
    stop = true;
    await Promise.all([...busy, auditor]);
    await until('the sweep', () => !w.log().some((r) => r.state === 'open'), patience);
    audits.push(await audit(w));
    return await compare(w, { all, killed, audits });
  } finally {
    await w.close();
  }
}

const tally = (list, of) => list.reduce((m, x) => { m[of(x)] = (m[of(x)] ?? 0) + 1; return m; }, {});
const words = (m) => Object.entries(m).map(([k, n]) => `${n} ${k}`).join(', ');

async function compare(w, { all, killed, audits }) {
  const { DatabaseSync } = await import('node:sqlite');
  const db = new DatabaseSync(`${w.state}/pontage.db`, { readOnly: true });
  const rows = db.prepare('SELECT request_id AS id, state, error, cost_nusd AS cost FROM request').all();
  const held = db.prepare('SELECT (SELECT sum(held_nusd) FROM account) + (SELECT sum(held_nusd) FROM token) AS n').get().n;
  db.close();
  const byId = new Map(rows.map((r) => [r.id, r]));
  const seen = (await w.mock.requests()).filter((r) => r.id.startsWith('storm-'));
  const asked = tally(seen, (r) => r.id.replace(/^(storm-\d+-).*/, '$1'));
  const whole = all.filter((a) => a.how === 'whole');
  const ids = new Set(all.map((a) => a.id));
  const n = Object.values(killed).reduce((a, b) => a + b, 0);
  const wrong = {
    'answered, not in the database': whole.filter((a) => !byId.has(a.id)),
    'answered, unknown to the provider': whole.filter((a) => !asked[a.tag]),
    'answered, and given back': whole.filter((a) => byId.get(a.id)?.state === 'void'),
    'provider asked twice': Object.entries(asked).filter(([, k]) => k > 1),
    'provider asked, no row': all.filter((a) => asked[a.tag] && a.status === 200 && !byId.has(a.id)),
    'garbled': all.filter((a) => a.how === 'garbled'),
    'no end in 15 s': all.filter((a) => a.how === 'hung'),
    'rows nobody asked for': rows.filter((r) => !ids.has(r.id)).slice(all.filter((a) => !a.id || !byId.has(a.id)).length),
    'open after the sweep': rows.filter((r) => r.state === 'open'),
    'money held after the sweep': held ? [held] : [],
    'audits not clean': audits.filter((a) => a.status !== 0),
  };
  const lines = [
    `storm: ${n} x kill -9 (${words(killed)}), ${all.length} requests`,
    `  client    ${words(tally(all, (a) => a.how))}`,
    `  provider  ${seen.length} requests: ${words(tally(seen, (r) => r.end))}`,
    `  database  ${rows.length} rows: ${words(tally(rows, (r) => r.state))}`,
    `  audit     ${audits.filter((a) => a.status === 0).length} of ${audits.length} clean`,
    ...Object.entries(wrong).map(([what, list]) => `  ${String(list.length).padStart(5)}  ${what}`),
  ];
  return { lines, n, wrong, answered: whole.length };
}

export function check({ lines, n, wrong, answered }, least) {
  console.log(lines.join('\n'));
  for (const [what, list] of Object.entries(wrong))
    assert.equal(list.length, 0, `${what}: ${JSON.stringify(list.slice(0, 3))}`);
  assert.ok(n >= least, `${n} kills`);
  assert.ok(answered > 50, `${answered} answered`);
}

if (process.argv[1] === import.meta.filename)
  check(await storm({ seconds: Number(process.argv[2] ?? 60) }), 20);
