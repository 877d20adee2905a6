// Callers while the first of two channels changes its mood each second: right,
// 429, silence, 500.  Nobody may notice: the second one answers.
//
//	node tests/storm/flip.mjs [SECONDS]     (60)
import assert from 'node:assert/strict';
import http from 'node:http';
import { openWorld } from '../e2e/world.mjs';

const callers = 32;
const deadline = 5000;
const settings = { relay_workers: 2, cool_ms: 1000, upstream_first_token_ms: 800, upstream_idle_ms: 800, deadline_ms: deadline };

function ask(port, key, stream, tag) {
  const a = { text: '', began: Date.now(), stream };
  const agent = false;
  return new Promise((done) => {
    const over = () => { clearTimeout(timer); a.ms = Date.now() - a.began; done(a); };
    const r = http.request({ port, host: '127.0.0.1', method: 'POST', agent, path: '/v1/chat/completions',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` } }, (res) => {
      a.status = res.statusCode;
      res.setEncoding('utf8');
      res.on('data', (part) => { a.text += part; });
      res.on('error', over);
      res.on('close', over);
    });
    const timer = setTimeout(() => { a.hung = true; r.destroy(); }, 3 * deadline);
    r.on('error', over);
    r.end(JSON.stringify({ model: 'flip', stream, messages: [{ role: 'user', content: tag }] }));
  });
}

// The text that came, put together; null: it is not whole.
function said(a) {
  if (a.hung || a.status !== 200) return null;
  try {
    if (!a.stream) return JSON.parse(a.text).choices[0].message.content;
    if (!a.text.endsWith('data: [DONE]\n\n')) return null;
    return a.text.split('\n\n').filter((e) => e.startsWith('data: {')).map((e) => JSON.parse(e.slice(6)))
      .map((e) => e.choices[0]?.delta?.content ?? '').join('');
  } catch { return null; }
}

const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

export async function flip(seconds) {
  const w = await openWorld({ channels: false, settings });
  const answers = [];
  let rows;
  try {
    w.channel('moody', { names: ['flip'], map: 'flip=mock-flip-1000', priority: 10 });
    w.channel('steady', { names: ['flip'], map: 'flip=mock-echo', priority: 0 });
    w.price('flip');
    const { key } = w.key();
    const end = Date.now() + seconds * 1000;
    await Promise.all(Array.from({ length: callers }, async (_, i) => {
      for (let n = 0; Date.now() < end; n++) {
        const tag = `tag-${i}-${n}`;
        const a = await ask(w.port, key, i % 2 === 0, tag);
        answers.push({ ms: a.ms, ok: said(a) === `echo: ${tag}`, status: a.status, what: a.text.slice(0, 200) });
      }
    }));
    await w.audit();
    rows = w.log();
  } finally {
    await w.close();
  }
  const ms = answers.map((a) => a.ms).sort((a, b) => a - b);
  const share = (test) => `${(100 * rows.filter(test).length / rows.length).toFixed(1)} %`;
  return {
    requests: answers.length, failed: answers.filter((a) => !a.ok), p50: at(ms, 0.5), p99: at(ms, 0.99), max: ms.at(-1), seconds,
    moody: share((r) => r.channel === 'moody'), twice: share((r) => r.attempts > 1), counted: rows.length,
  };
}

export function check(r) {
  console.log(`flip: ${r.requests} requests in ${r.seconds} s, ${r.failed.length} failed; p50 ${r.p50} ms, p99 ${r.p99} ms, ` +
    `longest ${r.max} ms (deadline ${deadline} ms); of the last ${r.counted}: ${r.moody} served by the first, ${r.twice} tried twice`);
  assert.deepEqual(r.failed.slice(0, 3), []);
  assert.ok(r.p99 < deadline, `p99 ${r.p99} ms`);
}

if (process.argv[1] === import.meta.filename) check(await flip(Number(process.argv[2] ?? 60)));
