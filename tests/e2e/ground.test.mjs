// What lies under the gateway: the sandbox of its workers, sockets that
// systemd opened, and what `pontage doctor` finds through a web server.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { freePort, openWorld, request, root, until } from './world.mjs';

let w;
const others = [];

before(async () => {
  w = await openWorld();
  w.pontage('channel', 'add', 'test', '--provider', 'test');
  for (const model of ['test-slow', 'test-hang']) w.price(model);
});

after(async () => {
  for (const kid of others) kid.kill('SIGTERM');
  await Promise.all(others.map((kid) => kid.exitCode ?? new Promise((done) => kid.on('exit', done))));
  await w?.close();
});

const statusOf = (pid) => Object.fromEntries(fs.readFileSync(`/proc/${pid}/status`, 'utf8')
  .split('\n').map((line) => line.split(/:\s+/)));

test('every worker is in its sandbox', () => {
  const what = w.run('--version').stdout;
  const workers = w.processes().slice(1);
  assert.ok(workers.length >= 3, JSON.stringify(workers));
  for (const { pid, name } of workers) {
    const status = statusOf(pid);
    assert.equal(status.NoNewPrivs, '1', name);
    if (/, seccomp/.test(what)) assert.equal(status.Seccomp, '2', name);
  }
});

// --- doctor --------------------------------------------------------------------

function doctor(...args) {
  const r = w.run('doctor', ...args);
  const rows = JSON.parse(r.stdout);
  return { r, rows, of: (check) => rows.filter((x) => x.check === check) };
}

test('doctor finds nothing wrong with the shipped configuration', () => {
  const { rows, of } = doctor('--url', w.base);
  for (const name of ['address', 'clock', 'keep-alive', 'key', 'body', 'stream', 'silence', 'sandbox', 'sqlite',
    'state', 'master', 'database', 'wal', 'ca'])
    for (const row of of(name))
      assert.notEqual(row.verdict, 'bad', JSON.stringify(row));
  assert.match(of('address')[0].what, /nginx/);
  for (const name of ['key', 'stream', 'keep-alive']) assert.equal(of(name)[0].verdict, 'ok', JSON.stringify(of(name)));
  assert.match(of('stream')[0].what, /one by one/);
  assert.deepEqual(of('body').map((x) => x.what), ['1048576 bytes arrive', '16777216 bytes arrive']);
  assert.ok(rows.every((x) => !/sk-[0-9A-Za-z]{20}/.test(JSON.stringify(x))));
});

test('doctor takes its key back', () => {
  const made = w.pontage('token', 'list').filter((x) => x.name === 'doctor');
  assert.ok(made.length > 0);
  for (const t of made) assert.notEqual(t.revoked, null, JSON.stringify(t));
});

test('doctor takes a key that it is given', () => {
  const r = w.run('doctor', '--url', w.base, '--key-stdin', { input: `${w.key().key}\n` });
  const rows = JSON.parse(r.stdout);
  assert.equal(rows.find((x) => x.check === 'key').verdict, 'ok');
  const wrong = JSON.parse(w.run('doctor', '--url', w.base, '--key-stdin', { input: 'sk-wrong\n' }).stdout);
  assert.equal(wrong.find((x) => x.check === 'key').verdict, 'bad');
});

test('doctor names the directive that a careless nginx lacks', async () => {
  const port = await freePort();
  const dir = path.join(w.dir, 'careless');
  fs.mkdirSync(path.join(dir, 'tmp'), { recursive: true });
  const locations = path.join(dir, 'locations.conf');
  fs.writeFileSync(locations, fs.readFileSync(path.join(root, 'nginx-conf/locations.conf'), 'utf8')
    .replace('fastcgi_buffering off;', 'fastcgi_ignore_headers X-Accel-Buffering;')
    .replace('fastcgi_keep_conn on;', '') // with it records pass one by one
    .replace('client_max_body_size 32m;', 'client_max_body_size 512k;')
    .replace('fastcgi_param HTTP_PROXY      "";', 'fastcgi_param HTTP_PROXY "";\nkeepalive_timeout 0;'));
  const conf = fs.readFileSync(path.join(w.state, 'nginx.conf'), 'utf8')
    .replaceAll(String(w.port), String(port))
    .replace(path.join(root, 'nginx-conf/locations.conf'), locations)
    .replace(/^pid .*$/m, `pid ${dir}/nginx.pid;`);
  fs.writeFileSync(path.join(dir, 'nginx.conf'), conf);
  others.push(spawn('nginx', ['-p', w.state, '-e', path.join(dir, 'error.log'), '-c', path.join(dir, 'nginx.conf')], { stdio: 'ignore', env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } }));
  const base = `http://127.0.0.1:${port}`;
  await until('it answers', () => request(base, { path: '/livez' }).then((r) => r.status === 200, () => false));
  const { r, of } = doctor('--url', base);
  assert.equal(r.status, 69);
  assert.equal(of('stream')[0].verdict, 'bad', JSON.stringify(of('stream')));
  assert.match(of('stream')[0].cure, /fastcgi_buffering off/);
  for (const row of of('body')) {
    assert.equal(row.verdict, 'bad', JSON.stringify(row));
    assert.match(row.cure, /client_max_body_size/);
  }
  assert.equal(of('keep-alive')[0].verdict, 'note');
});

test('doctor says so where nobody answers', async () => {
  const { of } = doctor('--url', `http://127.0.0.1:${await freePort()}`);
  assert.equal(of('address')[0].verdict, 'bad');
  assert.match(of('stream')[0].what, /not asked/);
});

// --- sockets of systemd -----------------------------------------------------------

const activate = spawnSync('systemd-socket-activate', ['--version']);

test('sockets that systemd opened are known by their names', { skip: activate.error && 'no systemd-socket-activate' },
  async () => {
    const other = path.join(w.dir, 'activated');
    const conf = path.join(other, 'pontage.conf');
    fs.mkdirSync(other, { mode: 0o700 });
    fs.writeFileSync(conf, `state_dir = ${other}\nrelay_socket = ${other}/elsewhere.sock\n`, { mode: 0o600 });
    const build = process.env.BUILD ?? path.join(root, 'build');
    assert.equal(spawnSync(path.join(build, 'pontage'), ['init', '--conf', conf]).status, 0);
    // The other way round, and at another place than the settings say.
    const kid = spawn('systemd-socket-activate', ['-l', `${other}/a.sock`, '-l', `${other}/r.sock`,
      '--fdname=admin:relay', path.join(build, 'pontage'), 'serve', '--conf', conf], { stdio: ['ignore', 'ignore', 'pipe'] });
    others.push(kid);
    let log = '';
    kid.stderr.on('data', (part) => { log += part; });
    await until('it listens', () => fs.existsSync(`${other}/r.sock`));
    const ask = (socket, env) => spawnSync('curl', ['-s', '--unix-socket', socket, 'http://x/'], { timeout: 300, env });
    ask(`${other}/a.sock`); // starts it; FastCGI is not spoken here
    await until('it serves', () => /ev=serve\.ready/.test(log), 10000);
    assert.ok(!fs.existsSync(`${other}/elsewhere.sock`), 'it made no socket of its own');
    const inode = (pid) => fs.readlinkSync(`/proc/${pid}/fd/0`);
    const table = fs.readFileSync('/proc/net/unix', 'utf8').split('\n');
    const named = (name) => table.filter((line) => line.endsWith(name)).map((line) => `socket:[${line.split(/ +/)[6]}]`);
    const kids = fs.readFileSync(`/proc/${kid.pid}/task/${kid.pid}/children`, 'utf8').split(' ').filter(Boolean);
    for (const pid of kids) {
      const comm = fs.readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
      if (comm === 'relay.fcgi') assert.ok(named('/r.sock').includes(inode(pid)), comm);
      if (comm === 'admin.fcgi') assert.ok(named('/a.sock').includes(inode(pid)), comm);
    }
  });
