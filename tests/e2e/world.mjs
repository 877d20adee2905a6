// A gateway of its own for a test file: a state folder, the fake provider,
// `pontage serve` and nginx with the repository's locations.conf, on free
// ports of loopback.  Or Apache, with what is in apache-conf, where `web` says so.
//
//   const w = await openWorld();
//   const key = w.key({ limit: '1.00' });
//   ... w.base, w.pontage('log', 'list'), w.mock.stats() ...
//   await w.close();   // also runs `pontage audit` and looks for secrets
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export { sleep };
export const root = path.resolve(import.meta.dirname, '../..');
const build = process.env.BUILD ?? path.join(root, 'build');
const secret = 'sk-upstream-secret-of-the-mock-0123456789';

// Dollars per million tokens: an answer's cost is easy to recompute.
export const price = { input: 1, output: 2 };

export const models = [
  'mock-echo', 'mock-tools', 'mock-tools2', 'mock-stream-20-5', 'mock-stream-400-10',
  'mock-delay-300', 'mock-delay-2000', 'mock-429', 'mock-400', 'mock-500', 'mock-401',
  'mock-cut', 'mock-usage-missing', 'mock-embed', 'mock-size-100000', 'mock-evil-headers',
];

export async function freePort() {
  const server = net.createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

export async function until(what, test, ms = 10000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await test();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms`);
    await sleep(20);
  }
}

// One request, without a client's own opinions: raw path, raw headers.
export function request(base, { method = 'GET', path: at = '/', headers = {}, body } = {}) {
  const { hostname, port } = new URL(base);
  return new Promise((done, fail) => {
    const r = http.request({ hostname, port, method, path: at, headers, agent: false }, (res) => {
      const parts = [];
      res.on('data', (part) => parts.push(part));
      res.on('error', fail);
      res.on('end', () => {
        const text = Buffer.concat(parts).toString();
        let json;
        try { json = JSON.parse(text); } catch { json = undefined; }
        done({ status: res.statusCode, headers: res.headers, text, json });
      });
    });
    r.on('error', fail);
    r.end(body);
  });
}

// Starts a program, waits until `ready` has seen what it wants on stdout.
function start(kids, program, args, { ready, log, ...options } = {}) {
  const out = log ? fs.openSync(log, 'a', 0o600) : 'ignore';
  if (log && options.uid) fs.fchownSync(out, options.uid, options.gid);
  const kid = spawn(program, args, { stdio: ['ignore', ready ? 'pipe' : out, out], ...options });
  kids.push(kid);
  kid.gone = new Promise((done) => {
    kid.on('error', (e) => done({ error: e }));
    kid.on('exit', (status, signal) => done({ status, signal }));
  });
  if (!ready) return kid;
  return new Promise((done, fail) => {
    let text = '';
    kid.stdout.on('data', (part) => {
      text += part;
      const match = text.match(ready);
      if (match) done(Object.assign(kid, { match }));
    });
    kid.gone.then((how) => fail(new Error(`${program} ended: ${JSON.stringify(how)} ${text}`)));
  });
}

async function openMock(kids, dir) {
  const kid = await start(kids, path.join(build, 'tools/upstream'), ['--listen', '127.0.0.1:0'],
    { ready: /listening on 127\.0\.0\.1:(\d+)/, log: path.join(dir, 'mock.log') });
  const url = `http://127.0.0.1:${kid.match[1]}`;
  const get = async (at) => (await request(url, { path: at })).json;
  return {
    kid, url, base: `${url}/v1`, port: Number(kid.match[1]),
    stats: () => get('/__stats'),
    requests: () => get('/__requests'),
    last: async () => (await request(url, { path: '/__last' })).text,
    reset: () => request(url, { method: 'POST', path: '/__reset' }),
  };
}

// Apache refuses to work as root: then it and the gateway are www-data, and all
// that they read is copied to where www-data may.
function copyTree(dir, as) {
  const tree = path.join(dir, 'tree');
  for (const folder of ['apache-conf', 'htdocs'])
    fs.cpSync(path.join(root, folder), path.join(tree, folder), { recursive: true });
  fs.mkdirSync(path.join(tree, 'build'));
  for (const program of ['pontage', 'relay.fcgi', 'admin.fcgi'])
    fs.copyFileSync(path.join(build, program), path.join(tree, 'build', program));
  if (as.uid) spawnSync('chown', ['-R', `${as.uid}:${as.gid}`, dir]);
  return tree;
}

function wwwData() {
  const id = (flag) => Number(spawnSync('id', [flag, 'www-data'], { encoding: 'utf8' }).stdout);
  return process.getuid() === 0 ? { uid: id('-u'), gid: id('-g') } : {};
}

// The bundle for shared hosting, laid out as docs/shared-hosting.md says.
function layOutSite(w, tree, as) {
  const site = path.join(w.dir, 'site'), home = path.join(w.dir, 'home');
  fs.cpSync(path.join(tree, 'apache-conf/shared-hosting'), site, { recursive: true });
  fs.cpSync(path.join(tree, 'htdocs'), path.join(site, 'static'), { recursive: true });
  fs.cpSync(path.join(tree, 'build'), path.join(home, 'bin'), { recursive: true });
  fs.copyFileSync(w.conf, path.join(home, 'pontage.conf'));
  for (const script of ['relay.cgi', 'admin.cgi']) {
    const file = path.join(site, script);
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('/home/YOU/.pontage', home));
  }
  if (as.uid) spawnSync('chown', ['-R', `${as.uid}:${as.gid}`, site, home]);
  return site;
}

// settings: more lines of pontage.conf; channels: false leaves them out; web:
// nginx, apache (mod_proxy_fcgi), fcgid, cgi (.htaccess); names: of the
// models.
export async function openWorld({ settings = {}, channels = true, web = 'nginx', names = models } = {}) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'pontage-e2e-'));
  const state = path.join(dir, 'state');
  const conf = path.join(dir, 'pontage.conf');
  const logFile = path.join(dir, 'pontage.log');
  const kids = [];
  const secrets = [secret];
  const as = web === 'nginx' ? {} : wwwData();
  const onDemand = web === 'fcgid' || web === 'cgi'; // nobody runs `pontage serve`
  const w = { dir, state, conf, secrets, logFile, web, started: Date.now() };

  fs.mkdirSync(path.join(state, 'tmp'), { recursive: true, mode: 0o700 });
  // A fault that one test plays must not cool the channel for the next.
  const lines = { state_dir: state, log_file: logFile, drain_ms: 8000, cool_ms: 0, ...settings };
  fs.writeFileSync(conf, Object.entries(lines).map(([k, v]) => `${k} = ${v}\n`).join(''), { mode: 0o600 });
  const tree = web === 'nginx' ? root : copyTree(dir, as);
  const programs = web === 'nginx' ? build : path.join(tree, 'build');

  // The command; its JSON. A failure throws what it said.
  w.run = (...args) => {
    const last = args.at(-1);
    const input = last && typeof last === 'object' ? args.pop().input : '';
    return spawnSync(path.join(programs, 'pontage'), [...args, '--conf', conf, '--json'],
      { input, encoding: 'utf8', timeout: 30000, ...as });
  };
  w.pontage = (...args) => {
    const r = w.run(...args);
    if (r.status !== 0)
      throw new Error(`pontage ${args.filter((a) => typeof a === 'string').join(' ')}: ` +
        `${r.signal ?? r.status}: ${r.stderr}${r.stdout}`);
    return r.stdout.trim() ? JSON.parse(r.stdout) : undefined;
  };
  w.log = (...args) => w.pontage('log', 'list', '--limit', '1000', ...args);
  let number = 0;
  w.key = ({ name = `key-${++number}`, user = 'root', limit, ...more } = {}) => {
    const args = Object.entries(more).flatMap(([k, v]) => v === true ? [`--${k}`] : [`--${k}`, String(v)]);
    const made = w.pontage('token', 'create', name, '--user', user,
      ...(limit ? ['--limit', limit] : ['--unlimited']), ...args);
    secrets.push(made.key);
    return made;
  };
  w.user = (name, money) => {
    w.pontage('user', 'add', name);
    if (money) w.pontage('user', 'grant', name, money);
    return name;
  };
  w.channel = (name, { names = models, url = w.mock.base, 'auto-disable': disable = 'off', ...more } = {}) =>
    w.pontage('channel', 'add', name, '--provider', 'openai', '--base-url', url,
      '--models', names.join(','), '--auto-disable', disable,
      ...Object.entries(more).flatMap(([k, v]) => [`--${k}`, String(v)]), { input: `${secret}\n` });
  w.price = (model, ...more) => w.pontage('price', 'set', model,
    '--input', String(price.input), '--output', String(price.output), ...more);

  w.request = (options) => request(w.base, options);
  w.chat = (key, body, headers = {}) => w.request({
    method: 'POST', path: '/v1/chat/completions',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}`, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(
      { model: 'mock-echo', messages: [{ role: 'user', content: 'hi' }], ...body }),
  });

  w.serve = async () => {
    if (!onDemand)
      w.gateway = start(kids, path.join(programs, 'pontage'), ['serve', '--conf', conf], { log: logFile, ...as });
    await until('ready', async () => {
      const how = await Promise.race([(w.gateway ?? w.server).gone, sleep(0)]);
      if (how) throw new Error(`pontage serve ended: ${JSON.stringify(how)}\n${w.logTail()}`);
      const r = await w.request({ path: '/readyz' }).catch(() => null);
      return r?.status === 200;
    }, 15000).catch((e) => { throw new Error(`${e.message}\n${w.logTail()}`); });
  };
  const serverLog = path.join(state, `${web === 'nginx' ? 'nginx' : 'apache'}-error.log`);
  w.logTail = () => [logFile, serverLog].filter((file) => fs.existsSync(file))
    .map((file) => fs.readFileSync(file, 'utf8').slice(-3000)).join('');

  // Processes of the gateway: [{ pid, name }], the supervisor first.
  w.processes = () => {
    const all = [{ pid: w.gateway.pid, name: 'pontage' }];
    for (let i = 0; i < all.length; i++) {
      const kids = fs.readFileSync(`/proc/${all[i].pid}/task/${all[i].pid}/children`, 'utf8');
      for (const pid of kids.split(' ').filter(Boolean)) {
        try {
          all.push({ pid: Number(pid), name: fs.readFileSync(`/proc/${pid}/comm`, 'utf8').trim() });
        } catch { /* it has just ended */ }
      }
    }
    return all;
  };

  // Nothing open, and the ledger agrees with itself.
  w.audit = async () => {
    await until('all requests settled', () => !w.log().some((r) => r.state === 'open'), 15000);
    const r = w.run('audit');
    assert.equal(r.status, 0, `pontage audit: ${r.stdout}${r.stderr}`);
  };
  w.noSecretsIn = (text, where) => {
    for (const s of secrets)
      assert.ok(!text.includes(s), `${where} shows ${s.slice(0, 8)}...`);
  };
  w.close = async () => {
    try {
      const asked = w.gateway ?? (onDemand ? w.server : null);
      if (asked?.exitCode === null && asked.signalCode === null) await w.audit();
    } finally {
      for (const kid of kids.reverse()) kid.kill('SIGTERM');
      const force = setTimeout(() => kids.forEach((kid) => kid.kill('SIGKILL')), 12000);
      await Promise.all(kids.map((kid) => kid.gone));
      clearTimeout(force);
      for (const file of [logFile, serverLog].filter((name) => fs.existsSync(name))) {
        const text = fs.readFileSync(file, 'utf8');
        w.noSecretsIn(text, path.basename(file));
        assert.doesNotMatch(text, /(Address|Thread)Sanitizer|runtime error:/, 'a sanitizer found something');
      }
      if (!process.env.KEEP) fs.rmSync(dir, { recursive: true, force: true });
      else console.error(`kept ${dir}`);
    }
  };

  try {
    w.mock = await openMock(kids, dir);
    w.pontage('init');
    w.password = 'a-long-password-of-root';
    secrets.push(w.password);
    w.pontage('user', 'add', 'root', '--role', 'root', '--password-stdin', { input: `${w.password}\n` });
    w.pontage('user', 'grant', 'root', '1000');
    if (channels) {
      w.channel('mock', { names });
      for (const model of names) w.price(model);
    }
    const port = await freePort();
    w.base = `http://127.0.0.1:${port}`;
    w.port = port;
    const site = web === 'cgi' ? layOutSite(w, tree, as) : programs;
    const made = spawnSync('sh', web === 'nginx' ?
      [path.join(root, 'nginx-conf/standalone.sh'), state, String(port)] :
      [path.join(tree, 'apache-conf/standalone.sh'), state, String(port), web, site],
    { encoding: 'utf8', env: { ...process.env, PONTAGE_CONF: conf } });
    if (made.status !== 0) throw new Error(made.stderr);
    const serverConf = path.join(state, web === 'nginx' ? 'nginx.conf' : 'httpd.conf');
    fs.writeFileSync(serverConf, made.stdout);
    const options = { log: path.join(dir, 'server.log'), ...as,
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } };
    w.server = web === 'nginx' ?
      start(kids, 'nginx', ['-p', state, '-e', serverLog, '-c', serverConf], options) :
      start(kids, 'apache2', ['-f', serverConf, '-DFOREGROUND'], options);
    await w.serve();
  } catch (e) {
    // A web server's own children outlive a SIGKILL of it.
    w.server?.kill('SIGTERM');
    await Promise.race([w.server?.gone, sleep(2000)]);
    kids.forEach((kid) => kid.kill('SIGKILL'));
    fs.rmSync(dir, { recursive: true, force: true });
    throw e;
  }
  return w;
}
