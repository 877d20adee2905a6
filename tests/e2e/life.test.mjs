// Stopping, dying and being looked at.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { openWorld, sleep, until } from './world.mjs';

let w;
before(async () => { w = await openWorld({ settings: { relay_workers: 2 } }); });
after(() => w?.close());

const workers = () => w.processes().filter((p) => p.name.startsWith('relay.fcgi'));

test('no secret in what other processes may see', async () => {
  const key = w.key().key;
  assert.equal((await w.chat(key)).status, 200);
  for (const { pid, name } of w.processes()) {
    w.noSecretsIn(fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8'), `cmdline of ${name}`);
    try {
      w.noSecretsIn(fs.readFileSync(`/proc/${pid}/environ`, 'utf8'), `environ of ${name}`);
    } catch (e) { assert.equal(e.code, 'EACCES'); }
    const files = fs.statSync(`/proc/${pid}/environ`);
    if (name.startsWith('relay.fcgi') && process.getuid() !== 0)
      assert.equal(files.uid, 0, 'PR_SET_DUMPABLE is 0');
  }
});

test('files of the state are nobody else\'s', () => {
  assert.equal(fs.statSync(w.state).mode & 0o077, 0);
  for (const file of fs.readdirSync(w.state).filter((f) => /\.(db|key)/.test(f)))
    assert.equal(fs.statSync(`${w.state}/${file}`).mode & 0o007, 0, file);
});

test('a provider key is not in the database', () => {
  for (const file of fs.readdirSync(w.state).filter((f) => f.startsWith('pontage.db')))
    w.noSecretsIn(fs.readFileSync(`${w.state}/${file}`, 'latin1'), file);
});

test('kill -9 of a worker under load loses no answered request', async () => {
  const mine = w.key();
  const answered = [];
  let stop = false, lost = 0;
  const caller = async () => {
    while (!stop) {
      const r = await w.chat(mine.key, { model: 'mock-echo' }).catch(() => null);
      if (r?.status === 200) answered.push(r.headers['x-request-id']);
      else lost++;
    }
  };
  const callers = Array.from({ length: 16 }, caller);
  for (let i = 0; i < 3; i++) {
    await sleep(300);
    const victim = workers()[0];
    process.kill(victim.pid, 'SIGKILL');
    await until('a new worker', () => workers().length === 2 && !workers().some((p) => p.pid === victim.pid));
  }
  await sleep(500);
  stop = true;
  await Promise.all(callers);
  assert.ok(answered.length > 50, `${answered.length} answered, ${lost} lost`);
  await w.audit();
  const { DatabaseSync } = await import('node:sqlite');
  const db = new DatabaseSync(`${w.state}/pontage.db`, { readOnly: true });
  const id = db.prepare('SELECT count(*) AS n FROM request WHERE request_id = ?');
  const missing = answered.filter((request) => id.get(request).n !== 1);
  db.close();
  assert.deepEqual(missing, []);
});

test('a stream that runs when SIGTERM comes is finished, and nobody new is let in', async () => {
  const key = w.key().key;
  const running = w.chat(key, { model: 'mock-stream-400-10', stream: true });
  await until('it runs', async () => (await w.mock.stats()).in_flight === 1);
  w.gateway.kill('SIGTERM');
  const text = (await running).text;
  assert.match(text, /data: \[DONE\]/);
  assert.equal((await w.gateway.gone).status, 0);
  await w.serve();
  const row = w.log('--model', 'mock-stream-400-10')[0];
  assert.equal(row.status, 200);
  assert.equal(row.error ?? '', '');
});

test('SIGHUP replaces the workers and no request fails', async () => {
  const key = w.key().key;
  const before = workers().map((p) => p.pid);
  let stop = false;
  const bad = [];
  const callers = Array.from({ length: 8 }, async () => {
    while (!stop) {
      const r = await w.chat(key).catch((e) => ({ status: e.code }));
      if (r.status !== 200) bad.push(r.status);
    }
  });
  await sleep(200);
  w.gateway.kill('SIGHUP');
  await until('new workers', () => {
    const now = workers().map((p) => p.pid);
    return now.length === 2 && !now.some((pid) => before.includes(pid));
  }, 15000);
  await sleep(200);
  stop = true;
  await Promise.all(callers);
  assert.deepEqual(bad, []);
});
