// Channels, prices and limits are changed while requests run: none fails, and
// the next request on every worker knows.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import http from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { openWorld, root, until } from './world.mjs';

const edits = Number(process.env.EDITS ?? 200);
const callers = Number(process.env.CALLERS ?? 8);
// Says which channel it was asked by: /a/v1, /b/v1.
const server = http.createServer((req, res) => {
  req.resume();
  req.on('end', () => {
    res.writeHead(200, { 'Content-Type': 'application/json' });
    res.end(JSON.stringify({
      id: 'x', object: 'chat.completion', created: 1, model: 'm',
      choices: [{ index: 0, message: { role: 'assistant', content: req.url[1] }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 1000, completion_tokens: 0, total_tokens: 1000 },
    }));
  });
});

let w, mine;
before(async () => {
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  w = await openWorld({ channels: false, settings: { relay_workers: 4 } });
  for (const name of ['a', 'b'])
    w.channel(name, { names: ['m'], url: `http://127.0.0.1:${server.address().port}/${name}/v1`, priority: 10 });
  w.price('m');
  mine = w.key({ rpm: 1000000 });
});
after(async () => { await w?.close(); server.close(); });

const build = process.env.BUILD ?? path.join(root, 'build');
const edit = (...args) => new Promise((done, fail) => {
  const kid = spawn(path.join(build, 'pontage'), [...args, '--conf', w.conf], { stdio: ['ignore', 'ignore', 'inherit'] });
  kid.on('exit', (status) => status === 0 ? done() : fail(new Error(`${args.join(' ')}: ${status}`)));
});
const ask = () => w.chat(mine.key, { model: 'm' });

// What was changed last is what each of eight requests must see.
const kinds = [
  async (n) => {
    const first = n % 2 ? 'a' : 'b';
    await edit('channel', 'set', 'a', '--priority', first === 'a' ? '20' : '0');
    return (r) => assert.equal(r.json.choices[0].message.content, first);
  },
  async (n) => {
    await edit('token', 'set', mine.name, '--rpm', String(1000000 + n));
    return (r) => assert.equal(r.headers['x-ratelimit-limit-requests'], String(1000000 + n));
  },
  async (n) => {
    await edit('limit', 'set', 'model:m', '--tpm', String(100000000 + n));
    return (r) => assert.equal(r.headers['x-ratelimit-limit-tokens'], String(100000000 + n));
  },
  async (n) => {
    await edit('price', 'set', 'm', '--input', String(n % 7 + 1), '--output', '1');
    return async (r) => {
      const receipt = await until('the bill', async () => {
        const got = await w.request({ path: `/receipt/${r.headers['x-pontage-receipt']}`, headers: { Authorization: `Bearer ${mine.key}` } });
        return got.status === 200 && got.json;
      });
      assert.equal(receipt.lines[0].price_nusd, (n % 7 + 1) * 1e9);
    };
  },
];

test(`${edits} edits under load: none fails, each is seen by the next request`, { timeout: 60000 + edits * 400 }, async () => {
  let over = false, ran = 0, began = Date.now();
  const bad = [];
  const load = Array.from({ length: callers }, async () => {
    while (!over) {
      const r = await ask();
      ran++;
      if (r.status !== 200) bad.push(`${r.status} ${r.text.slice(0, 200)}`);
    }
  });
  try {
    for (let n = 1; n <= edits; n++) {
      const seen = await kinds[n % kinds.length](n);
      const all = await Promise.all(Array.from({ length: 8 }, ask));
      for (const r of all) { assert.equal(r.status, 200, r.text); await seen(r); }
    }
  } finally {
    over = true;
    await Promise.all(load);
  }
  assert.deepEqual(bad, []);
  const workers = (await w.request({ path: '/readyz' })).json.workers.filter((x) => x.kind === 'relay');
  console.log(`edits: ${edits} in ${Date.now() - began} ms beside ${ran} requests of ${callers} callers, by worker ${workers.map((x) => x.requests)}; 0 failed`);
  assert.equal(workers.length, 4);
  assert.ok(workers.every((x) => x.requests > 0), 'each worker had some');
});
