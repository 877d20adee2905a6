// Who asks what in the storm, and how an answer ended.
import http from 'node:http';
import { sleep } from '../e2e/world.mjs';

const faults = ['mock-500', 'mock-429', 'mock-cut', 'mock-cut-close', 'mock-reset-mid-event', 'mock-drop', 'mock-json-cut',
  'mock-flaky-3', 'mock-error-later', 'mock-usage-missing'];

export const models = ['mock-echo', 'mock-delay-300', 'mock-stream-20-5', 'mock-stream-400-10', 'mock-flood', ...faults];

// by: whose key (storm.mjs, open); leaves: within so many ms; insists: with an
// Idempotency-Key, until it is answered; faulty: the provider fails, and may
// be asked again.
export const callers = [
  { n: 10, by: 'root', model: 'mock-echo' },
  { n: 2, by: 'twice', model: 'mock-echo', insists: true },
  { n: 2, by: 'poor', model: 'mock-echo', max: 50 },
  { n: 1, by: 'tight', model: 'mock-echo', max: 50 },
  { n: 4, by: 'saver', model: 'mock-delay-300' },
  { n: 1, by: 'saver', model: 'mock-delay-300', leaves: 350 },
  { n: 6, by: 'saver', model: 'mock-stream-20-5', stream: true },
  { n: 2, by: 'root', model: 'mock-stream-400-10', stream: true },
  { n: 2, by: 'root', model: 'mock-stream-400-10', stream: true, leaves: 2000 },
  { n: 1, by: 'streamer', model: 'mock-flood', stream: true, floods: true },
  { n: 2, by: 'saver', faulty: true },
];

// How an answer ended: whole, error (in JSON), cut (the client can tell), left
// (by the client), or what must not be: garbled, hung.
function judge(a, asked) {
  if (a.hung) return 'hung';
  if (a.left) return 'left';
  if (!a.status) return 'cut';
  if (a.status !== 200) {
    try { return JSON.parse(a.text).error.message ? 'error' : 'garbled'; } catch { /* below */ }
    return a.broken ? 'cut' : 'garbled';
  }
  if (asked.stream) {
    const done = /data: \[DONE\]\n\n$/.test(a.text);
    if (done) return /"finish_reason":"(stop|length)"/.test(a.text) ? 'whole' : 'garbled';
    return /"error":/.test(a.text) ? 'error' : 'cut';
  }
  try {
    const said = JSON.parse(a.text).choices[0].message.content;
    return said.includes(asked.tag) ? 'whole' : 'garbled';
  } catch { return 'cut'; }
}

// Of a stream the end is enough.
const keep = 8192;
const add = (text, part) => (text.length > 2 * keep ? text.slice(-keep) : text) + part;

function ask(s, asked) {
  const a = { text: '' };
  const body = JSON.stringify({ model: asked.model, stream: asked.stream, max_tokens: asked.max,
    ...(asked.stream ? { stream_options: { include_usage: true } } : {}), messages: [{ role: 'user', content: asked.tag }] });
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${s.keys[asked.by].key}` };
  if (asked.insists) headers['Idempotency-Key'] = asked.tag;
  return new Promise((done) => {
    const over = () => { clearTimeout(timer); done(a); };
    const r = http.request({ port: s.w.port, host: '127.0.0.1', method: 'POST', agent: false, path: '/v1/chat/completions', headers }, (res) => {
      a.status = res.statusCode;
      a.id = res.headers['x-pontage-receipt'];
      res.setEncoding('utf8');
      res.on('data', (part) => { a.text = add(a.text, part); });
      res.on('error', () => { a.broken = true; over(); });
      res.on('close', () => { a.broken ||= !res.complete; over(); });
    });
    const timer = setTimeout(() => { a[asked.leaves ? 'left' : 'hung'] = true; r.destroy(); over(); },
      asked.leaves ? asked.leaves * Math.random() : s.patience_ms);
    r.on('error', over);
    r.end(body);
  });
}

// What the answer says was counted; undefined: nothing.
function usage(text) {
  const all = [...text.matchAll(/"usage":\{"prompt_tokens":(\d+),"completion_tokens":(\d+)/g)];
  return all.length ? { prompt: Number(all.at(-1)[1]), completion: Number(all.at(-1)[2]) } : undefined;
}

let number = 0;

async function once(s, p, caller, tag) {
  const asked = { ...caller, tag, stream: !!caller.stream, model: caller.model ?? faults[number % faults.length] };
  if (caller.faulty) asked.stream = number % 2 === 0;
  const a = await ask(s, asked);
  const how = judge(a, asked);
  const one = { ...asked, id: a.id, status: a.status, how, usage: how === 'whole' ? usage(a.text) : undefined,
    text: how === 'whole' ? '' : a.text.slice(0, 300) };
  p.all.push(one);
  return one;
}

// With an Idempotency-Key: until it is answered, or is said to be over.  Also
// after the others have stopped, so that every key has its end.
async function insist(s, p, caller, tag) {
  for (;;) {
    const a = await once(s, p, caller, tag);
    const over = a.how === 'whole' ? a.id : /already_processed.*?/.test(a.text) && a.text.match(/req_\w{22}/)?.[0];
    if (over) {
      p.ended.push({ tag, id: over, whole: a.how === 'whole' });
      return;
    }
    await sleep(50);
  }
}

async function call(s, p, caller) {
  while (!p.stop) {
    const tag = `storm-${number++}-`;
    if (caller.insists) {
      await insist(s, p, caller, tag);
      continue;
    }
    const a = await once(s, p, caller, tag);
    if (a.status !== 200) await sleep(20);
    if (caller.floods) await sleep(500);
  }
}

// All of them, until p.stop; p.crowd: so many times those that ask for most.
export const start = (s, p) => Promise.all(callers.flatMap((c) =>
  Array.from({ length: c.n >= 10 ? c.n * (p.crowd ?? 1) : c.n }, () => call(s, p, c))));
