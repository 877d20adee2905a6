// What `pontage doctor` finds, each thing provoked once; and what it says to
// write into the web server's configuration, written there as it is printed,
// cures it.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { freePort, openWorld, request, root, until } from './world.mjs';

const build = process.env.BUILD ?? path.join(root, 'build');
const kids = [];
const worlds = {};
const silence = 3000; // that an answer may be silent for

before(async () => {
  const settings = { upstream_first_token_ms: silence };
  const opened = await Promise.allSettled(['nginx', 'apache', 'fcgid', 'cgi'].map(async (web) => {
    worlds[web] = await openWorld({ web, settings });
  }));
  for (const one of opened)
    if (one.reason) throw one.reason;
  for (const w of Object.values(worlds)) {
    w.pontage('channel', 'add', 'test', '--provider', 'test');
    for (const model of ['test-slow', 'test-hang']) w.price(model);
  }
});

after(async () => {
  for (const kid of kids) kid.kill('SIGTERM');
  await Promise.all(kids.map((kid) => kid.exitCode ?? new Promise((done) => kid.on('exit', done))));
  for (const w of Object.values(worlds)) await w.close();
});

function doctor(w, ...args) {
  const r = w.run('doctor', ...args);
  assert.ok(r.stdout, `doctor: ${r.stderr}`);
  const rows = JSON.parse(r.stdout);
  return { status: r.status, rows, of: (check) => rows.filter((x) => x.check === check) };
}

const worst = (rows) => rows.find((x) => x.verdict === 'bad') ?? rows.find((x) => x.verdict === 'note') ?? rows[0];

// --- web servers -----------------------------------------------------------------

// A line of the file whose place is shipped text, said otherwise; what doctor
// says of it; and the directives of its cure: [in the text, where].
const relayOfNginx = 'location ~ ^/(v1|v1beta|dashboard/billing|receipt)(/|$) {';
const nginx = [
  { of: 'key', from: 'fastcgi_param HTTP_PROXY      "";', to: 'fastcgi_param HTTP_AUTHORIZATION "";',
    cure: (text) => text.replace(/^.*HTTP_AUTHORIZATION.*$/m, ''), says: /nothing about HTTP_AUTHORIZATION/ },
  { of: 'key', from: 'fastcgi_param HTTP_PROXY      "";', to: 'fastcgi_pass_request_headers off;', says: /(fastcgi_pass_request_headers on;)/ },
  { of: 'stream', from: 'fastcgi_buffering off;', to: 'fastcgi_buffering on; fastcgi_ignore_headers X-Accel-Buffering;',
    and: (text) => text.replace('fastcgi_keep_conn on;', ''), says: /(fastcgi_buffering off;) in the location of \/v1/, at: relayOfNginx },
  { of: 'body', from: 'client_max_body_size 32m;', to: 'client_max_body_size 512k;', says: /(client_max_body_size \w+;)/ },
  { of: 'silence', from: 'fastcgi_read_timeout 3600s;', to: 'fastcgi_read_timeout 1s;', says: /(fastcgi_read_timeout \w+;) in the location of \/v1/, at: relayOfNginx },
  { of: 'keep-alive', from: 'server_tokens off;', to: 'server_tokens off;\nkeepalive_timeout 0;', says: /(keepalive_timeout \w+;)/ },
];

const proxyOfRelay = '<Proxy "unix:${PONTAGE_RUN}/relay.sock|fcgi://pontage-relay">';
const relayOfApache = '<LocationMatch "^/(v1|v1beta|dashboard/billing|receipt)(/|$)">';
const common = 'apache-conf/common.conf', locations = 'apache-conf/locations.conf', fcgid = 'apache-conf/fcgid.conf';
const kept = { of: 'keep-alive', file: common, from: 'TraceEnable off', to: 'TraceEnable off\nKeepAlive Off', says: /(KeepAlive On)/ };
// LimitRequestBody does not bound what mod_proxy_fcgi and mod_fcgid pass on.
const apache = {
  apache: [
    { of: 'key', file: locations, from: 'CGIPassAuth On', to: 'CGIPassAuth Off', says: /(CGIPassAuth On)/, at: relayOfApache },
    { of: 'stream', file: locations, from: 'flushpackets=on', to: 'flushpackets=off', says: /mod_proxy_fcgi: (ProxySet flushpackets=on) \(in the <Proxy> of relay\.sock\)/, at: proxyOfRelay, last: true },
    { of: 'silence', file: locations, from: 'timeout=3600', to: 'timeout=1', says: /mod_proxy_fcgi: (ProxySet timeout=3600) \(in the <Proxy> of relay\.sock\)/, at: proxyOfRelay, last: true },
    kept,
  ],
  fcgid: [
    { of: 'key', file: fcgid, from: 'CGIPassAuth On', to: 'CGIPassAuth Off', says: /(CGIPassAuth On)/, at: '<Files "*.fcgi">' },
    { of: 'stream', file: fcgid, from: 'FcgidOutputBufferSize 0', to: 'FcgidOutputBufferSize 65536', says: /mod_fcgid: (FcgidOutputBufferSize 0)/ },
    { of: 'body', file: fcgid, from: 'FcgidMaxRequestLen 33554432', to: 'FcgidMaxRequestLen 524288', says: /mod_fcgid: (FcgidMaxRequestLen \d+)/ },
    { of: 'silence', file: fcgid, from: 'FcgidIOTimeout 960', to: 'FcgidIOTimeout 1', says: /mod_fcgid: (FcgidIOTimeout \d+)/ },
    kept,
  ],
  cgi: [
    { of: 'key', file: '.htaccess', from: 'CGIPassAuth On', to: '', says: /(CGIPassAuth On)/ },
    { of: 'body', file: '.htaccess', from: 'LimitRequestBody 33554432', to: 'LimitRequestBody 524288', says: /(LimitRequestBody \d+)/ },
    { of: 'silence', file: 'httpd.conf', from: 'Options SymLinksIfOwnerMatch', to: 'Options SymLinksIfOwnerMatch\nCGIDScriptTimeout 1', says: /CGI: (CGIDScriptTimeout \w+)/ },
    { of: 'keep-alive', file: 'httpd.conf', from: 'KeepAliveTimeout 5', to: 'KeepAlive Off', says: /(KeepAlive On)/ },
  ],
};

function replaced(text, from, to) {
  assert.ok(text.includes(from), `no "${from}" there`);
  return text.replaceAll(from, to);
}

// As somebody does who reads it: the directive instead of that of the same
// name, at the place that is named, or where the broken one stands.
function written(text, directive, one) {
  const name = directive.split(' ')[0];
  const lines = text.split('\n');
  const old = new RegExp(`^\\s*${name}\\b`);
  if (one.last) { // one of several words of a line: what comes later counts
    const at = lines.findIndex((line) => line.includes(one.at));
    const end = lines.findIndex((line, i) => i > at && /^<\//.test(line));
    lines.splice(end, 0, directive);
  } else if (one.at) {
    const at = lines.findIndex((line) => line.includes(one.at));
    let end = at + 1;
    while (!/^\s*(}|<\/)/.test(lines[end])) end++;
    const inside = lines.slice(at + 1, end).map((line) => line.replace(new RegExp(`^(\\s*)${name} [^;]*;?`), '$1'));
    lines.splice(at + 1, end - at - 1, directive, ...inside);
  } else {
    const at = lines.findIndex((line) => old.test(line));
    if (at >= 0) lines[at] = directive;
    else lines.unshift(directive);
  }
  return lines.join('\n');
}

function judge(w, url, one) {
  return worst(doctor(w, '--url', url, ...(one.of === 'silence' ? ['--slow'] : [])).of(one.of));
}

// One nginx for all rows, a broken and a cured server each.
async function nginxServers(w, texts) {
  const dir = path.join(w.dir, 'broken');
  fs.mkdirSync(dir, { recursive: true });
  const ports = [];
  let servers = '';
  for (const [i, text] of texts.entries()) {
    const file = path.join(dir, `${i}.conf`);
    fs.writeFileSync(file, text);
    ports.push(await freePort());
    servers += `server { listen 127.0.0.1:${ports[i]}; set $pontage_htdocs "${root}/htdocs"; include "${file}"; }\n`;
  }
  const more = path.join(w.state, 'more-broken.conf');
  fs.writeFileSync(more, servers);
  w.server.kill('SIGHUP');
  await until('nginx has read it', () => request(`http://127.0.0.1:${ports.at(-1)}`, { path: '/livez' }).then((r) => r.status === 200, () => false));
  return ports.map((port) => `http://127.0.0.1:${port}`);
}

test('nginx: what is printed cures what was found', async () => {
  const w = worlds.nginx;
  const shipped = fs.readFileSync(path.join(root, 'nginx-conf/locations.conf'), 'utf8');
  const broken = nginx.map((one) => {
    const text = replaced(shipped, one.from, one.to);
    return one.and ? one.and(text) : text;
  });
  const cured = [];
  const urls = await nginxServers(w, broken);
  for (const [i, one] of nginx.entries()) {
    const row = judge(w, urls[i], one);
    assert.notEqual(row.verdict, 'ok', JSON.stringify(row));
    const said = row.cure.match(one.says);
    assert.ok(said, `${one.of}: ${row.cure}`);
    cured.push(one.cure ? one.cure(broken[i]) : written(broken[i], said[1], one));
  }
  const again = await nginxServers(w, cured);
  for (const [i, one] of nginx.entries()) {
    const row = judge(w, again[i], one);
    assert.equal(row.verdict, 'ok', `${one.of}, cured: ${JSON.stringify(row)}`);
  }
});

// The file is changed in place, and Apache reads it again.
let reads = 0;
async function apacheReads(w, file, text) {
  const htaccess = file.endsWith('.htaccess');
  fs.writeFileSync(file, text);
  if (htaccess) return;
  const mark = path.join(w.state, 'httpd.conf'), n = ++reads;
  const conf = fs.readFileSync(mark, 'utf8').replace(/Header always set X-Read .*\n/, '');
  fs.writeFileSync(mark, conf.replace('</VirtualHost>', `Header always set X-Read ${n}\n</VirtualHost>`));
  w.server.kill('SIGHUP');
  await until('Apache has read it', () => request(w.base, { path: '/livez' })
    .then((r) => r.status === 200 && r.headers['x-read'] === String(n), () => false), 20000);
}

const fileOf = (w, name) => name === 'httpd.conf' ? path.join(w.state, name) :
  name === '.htaccess' ? path.join(w.dir, 'site', name) : path.join(w.dir, 'tree', name);

for (const [web, list] of Object.entries(apache))
  test(`Apache, ${web}: what is printed cures what was found`, async () => {
    const w = worlds[web];
    for (const one of list) {
      const file = fileOf(w, one.file);
      const shipped = fs.readFileSync(file, 'utf8');
      const broken = replaced(shipped, one.from, one.to);
      await apacheReads(w, file, broken);
      const row = judge(w, w.base, one);
      assert.notEqual(row.verdict, 'ok', `${one.of}: ${JSON.stringify(row)}`);
      const said = row.cure.match(one.says);
      assert.ok(said, `${one.of}: ${row.cure}`);
      await apacheReads(w, file, written(fs.readFileSync(file, 'utf8'), said[1], one));
      const cured = judge(w, w.base, one);
      assert.equal(cured.verdict, 'ok', `${one.of}, cured: ${JSON.stringify(cured)}`);
      await apacheReads(w, file, shipped);
    }
  });

// --- TLS ---------------------------------------------------------------------------

function openssl(dir, ...args) {
  const r = spawnSync('openssl', args, { cwd: dir, encoding: 'utf8' });
  assert.equal(r.status, 0, r.stderr);
}

test('https: an authority of one\'s own, a redirect to it, HTTP/2, a long silence', async () => {
  const w = worlds.nginx, dir = path.join(w.dir, 'tls');
  fs.mkdirSync(dir);
  openssl(dir, 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=Test authority', '-days', '2');
  openssl(dir, 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'site.key', '-out', 'site.csr', '-subj', '/CN=localhost');
  fs.writeFileSync(path.join(dir, 'names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  openssl(dir, 'x509', '-req', '-in', 'site.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-out', 'site.crt', '-days', '2', '-extfile', 'names');
  const [tls, plain] = [await freePort(), await freePort()];
  fs.writeFileSync(path.join(w.state, 'more-tls.conf'), `
server { listen 127.0.0.1:${tls} ssl http2; ssl_certificate ${dir}/site.crt; ssl_certificate_key ${dir}/site.key;
  set $pontage_htdocs "${root}/htdocs"; include "${root}/nginx-conf/locations.conf"; }
server { listen 127.0.0.1:${plain}; return 301 https://localhost:${tls}$request_uri; }\n`);
  w.server.kill('SIGHUP');
  await until('nginx has read it', () => request(`http://127.0.0.1:${plain}`, {}).then((r) => r.status === 301, () => false));

  const redirected = doctor(w, '--url', `http://localhost:${plain}`).of('address')[0];
  assert.equal(redirected.verdict, 'bad');
  assert.equal(redirected.cure, `public_url = https://localhost:${tls}`);

  // The setting as it is printed, and no --url.
  const conf = fs.readFileSync(w.conf, 'utf8');
  fs.writeFileSync(w.conf, `${conf}${redirected.cure}\n`);
  const untrusted = doctor(w).of('address')[0];
  assert.equal(untrusted.verdict, 'bad');
  assert.match(untrusted.what, /no caller trusts/);
  assert.match(untrusted.cure, /ca_file/);

  const bundle = path.join(dir, 'all.crt');
  const known = '/etc/ssl/certs/ca-certificates.crt';
  fs.writeFileSync(bundle, (fs.existsSync(known) ? fs.readFileSync(known, 'utf8') : '') + fs.readFileSync(path.join(dir, 'ca.crt'), 'utf8'));
  fs.writeFileSync(w.conf, `${conf}${redirected.cure}\nca_file = ${bundle}\n`);
  const good = doctor(w, '--slow');
  for (const name of ['address', 'clock', 'keep-alive', 'key', 'body', 'stream', 'silence', 'ca'])
    for (const row of good.of(name)) assert.equal(row.verdict, 'ok', JSON.stringify(row));
  assert.match(good.of('silence')[0].what, /^3 s of it are allowed/);

  const session = http2.connect(`https://localhost:${tls}`, { ca: fs.readFileSync(path.join(dir, 'ca.crt')), lookup: (_n, _o, done) => done(null, [{ address: '127.0.0.1', family: 4 }]) });
  const times = [];
  let text = '';
  await new Promise((done, fail) => {
    const s = session.request({ ':method': 'POST', ':path': '/v1/chat/completions', 'content-type': 'application/json', authorization: `Bearer ${w.key().key}` });
    session.on('error', fail);
    s.on('error', fail);
    s.on('data', (part) => { text += part; times.push(performance.now()); });
    s.on('end', done);
    s.end(JSON.stringify({ model: 'test-slow', stream: true, max_tokens: 16, messages: [{ role: 'user', content: 'Count to ten.' }] }));
  });
  session.close();
  assert.match(text, /\[DONE\]/);
  assert.ok(times.length >= 4 && times.at(-1) - times[0] > 200, `${times.length} pieces`);
  fs.writeFileSync(w.conf, conf);
});

// --- clocks and files -----------------------------------------------------------------

test('a clock that differs from the web server\'s Date', async () => {
  const server = http.createServer((_req, res) => {
    res.sendDate = false;
    res.setHeader('Date', new Date(Date.now() - 90000).toUTCString());
    res.end('{}');
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const at = `http://127.0.0.1:${server.address().port}`;
  const w = worlds.nginx;
  const out = await new Promise((done) => { // this process answers meanwhile
    const kid = spawn(path.join(build, 'pontage'), ['doctor', '--url', at, '--conf', w.conf, '--json']);
    let said = '';
    kid.stdout.on('data', (part) => { said += part; });
    kid.on('close', () => done(JSON.parse(said)));
  });
  server.close();
  const row = out.find((x) => x.check === 'clock');
  assert.equal(row.verdict, 'bad', JSON.stringify(row));
  assert.match(row.what, /-(89|90|91) s away/);
  assert.match(row.cure, /timedatectl set-ntp true/);
});

// A state folder that nobody serves.
function lonely(more = ':') {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'pontage-doctor-'));
  const conf = path.join(dir, 'pontage.conf'), state = path.join(dir, 'state');
  fs.mkdirSync(state, { mode: 0o700 });
  const write = (text) => fs.writeFileSync(conf, `state_dir = ${state}\n${text}`, { mode: 0o600 });
  write('');
  const run = (...args) => spawnSync('sh', ['-c', `${more}; exec "$@"`, 'sh', path.join(build, 'pontage'), ...args, '--conf', conf], { encoding: 'utf8' });
  assert.equal(run('init').status, 0);
  const row = (name) => JSON.parse(run('doctor', '--url', 'http://127.0.0.1:1', '--json').stdout).filter((x) => x.check === name)[0];
  return { dir, state, write, row };
}

const broken = [
  { of: 'state', break: (x) => fs.chmodSync(x.state, 0o777), what: /written by everybody/, run: true },
  { of: 'master', break: (x) => fs.chmodSync(path.join(x.state, 'master.key'), 0o644), what: /others may read/, run: true },
  { of: 'admin', break: (x) => fs.chmodSync(path.join(x.state, 'admin.key'), 0o440), what: /others may read/, run: true },
  { of: 'ca', break: (x) => x.write(`ca_file = ${x.dir}/none.crt\n`), what: /none\.crt cannot be read/, says: /set ca_file/, cure: (x) => x.write('') },
  { of: 'wal', break: (x) => fs.truncateSync(path.join(x.state, 'pontage.db-wal'), 300 << 20), wal: true, what: /the WAL has 300 MB/,
    says: /restart pontage serve/, cure: (x) => fs.rmSync(path.join(x.state, 'pontage.db-wal')) },
  { of: 'keys', break: (x) => fs.writeFileSync(path.join(x.state, 'master.key'), fs.readFileSync(path.join(x.state, 'admin.key')), { mode: 0o600 }),
    before: (x) => fs.chmodSync(path.join(x.state, 'master.key'), 0o600), what: /not the one/, says: /put the old file back/ },
];

for (const one of broken)
  test(`files: ${one.of}`, () => {
    const x = lonely();
    try {
      if (one.wal) fs.closeSync(fs.openSync(path.join(x.state, 'pontage.db-wal'), 'a', 0o600));
      assert.equal(x.row(one.of).verdict, 'ok', JSON.stringify(x.row(one.of)));
      if (one.wal) fs.closeSync(fs.openSync(path.join(x.state, 'pontage.db-wal'), 'a', 0o600));
      one.before?.(x);
      one.break(x);
      const row = x.row(one.of);
      assert.equal(row.verdict, 'bad', JSON.stringify(row));
      assert.match(row.what, one.what);
      if (one.says) assert.match(row.cure, one.says);
      if (one.run) assert.equal(spawnSync('sh', ['-c', row.cure]).status, 0, row.cure);
      one.cure?.(x);
      if (one.run || one.cure) assert.equal(x.row(one.of).verdict, 'ok', JSON.stringify(x.row(one.of)));
    } finally {
      fs.rmSync(x.dir, { recursive: true, force: true });
    }
  });

test('files: few descriptors', () => {
  const x = lonely('ulimit -n 1000');
  const row = x.row('files');
  assert.equal(row.verdict, 'bad');
  assert.match(row.what, /1000 open files/);
  assert.match(row.cure, /LimitNOFILE=65536/);
  fs.rmSync(x.dir, { recursive: true, force: true });
});

test('files: a disk that is nearly full', { skip: process.getuid() !== 0 && 'mounting wants root' }, () => {
  const x = lonely();
  const r = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m,mode=700', 'tmpfs', x.state]);
  try {
    if (r.status !== 0) return; // a container may not mount either
    const row = x.row('disk');
    assert.equal(row.verdict, 'bad', JSON.stringify(row));
    assert.match(row.what, /6\d MB free/);
    assert.match(row.cure, /make room/);
  } finally {
    spawnSync('umount', [x.state]);
    fs.rmSync(x.dir, { recursive: true, force: true });
  }
});
