// What operators do in the storm: they give money, and take it; and what the
// storm does to the gateway's processes.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { root, sleep } from '../e2e/world.mjs';

const build = process.env.BUILD ?? path.join(root, 'build');
const any = (list) => list[Math.floor(Math.random() * list.length)];

// The command, without waiting for it: { status, said, json }.
export function cli(w, ...args) {
  const input = typeof args.at(-1) === 'object' ? args.pop().input : '';
  return new Promise((done) => {
    const kid = spawn(path.join(build, 'pontage'), [...args, '--conf', w.conf, '--json']);
    let out = '', err = '';
    kid.stdout.on('data', (part) => { out += part; });
    kid.stderr.on('data', (part) => { err += part; });
    kid.stdin.on('error', () => {});
    kid.on('close', (status) => {
      let json;
      try { json = JSON.parse(out); } catch { /* it said something else */ }
      done({ status, json, said: err + out });
    });
    kid.stdin.end(input);
  });
}

// --- money --------------------------------------------------------------------

const dollars = (nusd) => (nusd / 1e9).toFixed(9);
let number = 0;

// Tried again with the same --ref where it failed: it counts once.
async function move(s, verb, user, nusd) {
  const ref = `storm-${number++}`;
  const again = async () => {
    const r = await cli(s.w, 'user', verb, user, dollars(nusd), '--ref', ref, '--reason', 'storm');
    if (r.status === 0) s.given[user] += nusd;
    return r.status === 0;
  };
  if (await again()) s.deeds[verb]++;
  else s.later.push(again);
}

// Two come with one code: one of them has it.
async function redeem(s) {
  const made = await cli(s.w, 'code', 'create', `storm-${number++}`, '--amount', '0.0004', '--count', '2');
  for (const { code } of made.json?.codes ?? made.json ?? []) {
    const users = ['poor', 'streamer'];
    const tries = await Promise.all(users.map((user) => cli(s.w, 'code', 'redeem', '--user', user, { input: `${code}\n` })));
    const got = users.filter((_, i) => tries[i].status === 0);
    for (const user of got) s.given[user] += 400_000;
    if (got.length > 1) s.wrong.push(`a code for ${got.join(' and ')}`);
    s.deeds.redeem += got.length;
  }
}

// Some answer of before, once.
async function refund(s, p) {
  const one = any(p.all.filter((a) => a.how === 'whole' && !a.insists));
  if (!one || s.refunds.has(one.id)) return;
  s.refunds.add(one.id); // refused where it cost nothing, or is still open
  const r = await cli(s.w, 'refund', one.id, '--reason', 'storm');
  if (r.status !== 0) s.refunds.delete(one.id);
  s.deeds.refund += r.status === 0;
}

const deeds = [
  (s) => move(s, 'grant', 'streamer', 20_000_000),
  (s) => move(s, 'grant', 'poor', 1_000_000),
  refund,
  redeem,
  (s) => move(s, 'grant', 'streamer', 15_000_000),
  refund,
  (s) => move(s, 'adjust', 'saver', -1_000_000),
  // A key with money for a few requests.
  async (s) => {
    const made = await cli(s.w, 'token', 'create', `tight-${number++}`, '--user', 'saver', '--limit', '0.001', '--limit-day', '0.0008');
    if (made.status === 0) s.keys.tight = made.json;
  },
  (s) => cli(s.w, 'group', 'set', 'cheap', '--factor', any(['0.75', '0.5', '1.25'])),
];

export async function operate(s, p) {
  for (let i = 0; !p.stop; i++) {
    await deeds[i % deeds.length](s, p);
    await sleep(100);
  }
}

// What could not be done when the database was locked or its disk full.
export async function catchUp(s) {
  for (const again of s.later.splice(0)) if (!await again()) s.later.push(again);
}

// --- kills ----------------------------------------------------------------------

const named = (w, name) => w.processes().filter((p) => p.name.startsWith(name));

// A thread of the process that waits for the disk: the writer, in a commit.
function onDisk(pid) {
  try {
    return fs.readdirSync(`/proc/${pid}/task`).some((t) =>
      / D /.test(fs.readFileSync(`/proc/${pid}/task/${t}/stat`, 'utf8').replace(/^.*\)/, ' ')));
  } catch { return false; }
}

const kill = (pid) => { try { process.kill(pid, 'SIGKILL'); return true; } catch { return false; } };

// Each kills one process; false: there was none.
export const kills = {
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
