// Every fault of the fake provider (build/tools/upstream --list), streamed and
// whole, through one channel: one honest answer within the limits, one end of
// its row, nothing of the upstream's inside shown, and a clean ledger.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import http from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { openWorld, root } from './world.mjs';

const build = process.env.BUILD ?? path.join(root, 'build');
const limits = { upstream_first_token_ms: 1500, upstream_idle_ms: 1000, upstream_total_ms: 3000, deadline_ms: 4000, hold_back_ms: 500, keep_alive_ms: 300 };
const most = 6000; // ms: the deadline, and room for a busy machine

// Names that take a number, and what they are tried with.
const numbers = { 'mock-stream-': '5-5', 'mock-size-': '100000', 'mock-delay-': '100', 'mock-status-': '418', 'mock-usage-': '10-20-5', 'mock-flaky-': '1' };
// Not the same each time.
const moody = ['mock-chaos', 'mock-flip-', 'mock-429-once'];
const names = spawnSync(path.join(build, 'tools/upstream'), ['--list'], { encoding: 'utf8' }).stdout
  .split('\n').map((line) => line.split(' ')[0]).filter((n) => n && !moody.includes(n))
  .map((n) => n + (numbers[n] ?? ''));

// These come through right; `stream` or `whole` where only that does.  All
// others end with an error.
const right = Object.fromEntries([
  'echo', 'tools', 'tools2', 'reasoning', 'stream-5-5', 'size-100000', 'delay-100', 'usage-10-20-5',
  'close-on-reuse', 'no-done', 'no-finish', 'done-more', 'done-hang', 'crlf', 'cr', 'mix',
  'utf8-split', 'close-framed', 'evil-headers', 'usage-missing', 'usage-null', 'usage-negative', 'usage-huge', 'usage-overflow',
  'usage-strings', 'usage-zeros', 'usage-array', 'usage-every', 'usage-last',
].map((n) => [`mock-${n}`, true]));
right['mock-bom'] = right['mock-empty-stream'] = 'stream';

let w, key;
before(async () => {
  w = await openWorld({ channels: false, settings: limits });
  w.channel('mock', { names });
  for (const name of names) w.price(name);
  ({ key } = w.key());
});
after(() => w?.close());

function ask(model, stream) {
  const began = Date.now();
  const a = { model, stream, text: '', status: 0 };
  return new Promise((done) => {
    const over = () => { clearTimeout(timer); a.ms = Date.now() - began; done(a); };
    const r = http.request({ port: w.port, host: '127.0.0.1', method: 'POST', agent: false, path: '/v1/chat/completions',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` } }, (res) => {
      Object.assign(a, { status: res.statusCode, headers: res.headers, id: res.headers['x-request-id'] });
      res.on('data', (part) => {
        a.text += part;
        if (a.text.length > 1 << 20) a.text = a.text.slice(a.text.indexOf('\n\n', 1 << 19) + 2); // a flood
      });
      res.on('error', () => {});
      res.on('close', () => { a.complete = res.complete; over(); });
    });
    const timer = setTimeout(() => { a.hung = true; r.destroy(); }, 2 * most);
    r.on('error', over);
    r.end(JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'hi' }] }));
  });
}

// right, error, or what is wrong with it.
function judge(a) {
  if (a.hung || a.ms > most) return `took ${a.ms} ms`;
  if (!a.status || !a.complete) return 'cut';
  if (!/^req_\w{22}$/.test(a.id)) return `id ${a.id}`;
  if (a.stream && a.status === 200) {
    const events = a.text.split(/\r\n|\r|\n/).filter((line) => line.startsWith('data:'));
    const data = events.map((e) => e.replace(/^data: ?/, ''));
    const parsed = data.filter((d) => d !== '[DONE]').map((d) => { try { return JSON.parse(d); } catch { return null; } });
    if (parsed.includes(null)) return 'an event is no JSON';
    if (data.filter((d) => d === '[DONE]').length > 1) return 'two [DONE]';
    if (parsed.some((e) => e.error)) return parsed.at(-1).error ? 'error' : 'error, then more';
    if (data.at(-1) !== '[DONE]') return 'no [DONE]';
    return 'right';
  }
  let json;
  try { json = JSON.parse(a.text); } catch { return `no JSON: ${a.text.slice(0, 40)}`; }
  if (a.status !== 200) return json.error?.message && json.error.type ? 'error' : 'no error object';
  return json.choices || json.data ? 'right' : 'a 200 without an answer';
}

test('every fault of an upstream: one honest answer, one end of its row', async () => {
  const todo = names.flatMap((n) => [[n, false], [n, true]]);
  const answers = [];
  await Promise.all(Array.from({ length: 16 }, async () => {
    for (let next; (next = todo.shift());) answers.push(await ask(...next));
  }));
  await w.audit();
  const rows = new Map();
  for (const r of w.log()) rows.set(r.request_id ?? r.id, [...(rows.get(r.request_id ?? r.id) ?? []), r]);
  const bad = [];
  const table = names.map((name) => {
    const cells = [false, true].map((stream) => {
      const a = answers.find((x) => x.model === name && x.stream === stream);
      const how = judge(a), row = rows.get(a.id) ?? [];
      const want = right[name] === true || right[name] === (stream ? 'stream' : 'whole') ? 'right' : 'error';
      const say = (what) => bad.push(`${name} ${stream ? 'streamed' : 'whole'}: ${what} (${a.status} ${a.text.slice(0, 300)})`);
      if (how !== want) say(`${how}, want ${want}`);
      if (row.length !== 1) say(`${row.length} rows`);
      else if (row[0].status !== a.status) say(`row says ${row[0].status}`);
      else if (!row[0].error !== (how === 'right')) say(`row says "${row[0].error}"`);
      if (/upstream\.internal|169\.254|127\.0\.0\.1/.test(a.text)) say('shows the inside');
      w.noSecretsIn(a.text, name);
      const word = how === 'error' ? row[0]?.error : how;
      return `${a.status} ${word}`.padEnd(30) + String(a.ms).padStart(6) + String(row[0]?.cost_nusd ?? '').padStart(12);
    });
    return `  ${name.padEnd(28)}${cells.join('   ')}`;
  });
  console.log(`faults: ${names.length}\n  ${'name'.padEnd(28)}${['whole', 'streamed'].map((s) => s.padEnd(30) + '    ms' + 'cost'.padStart(12)).join('   ')}\n${table.join('\n')}`);
  assert.deepEqual(bad, []);
});
