// What nginx does by itself: static files, and errors that come before the
// gateway is asked or when it is not there.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { openWorld, request, root, until } from './world.mjs';

let w;
before(async () => { w = await openWorld(); });
after(() => w?.close());

const isApiError = (r, status, code) => {
  assert.equal(r.status, status);
  assert.equal(r.headers['content-type'], 'application/json');
  assert.match(r.headers['x-request-id'], /^req_.{22}$/);
  assert.deepEqual(Object.keys(r.json.error).sort(), ['code', 'message', 'param', 'type']);
  if (code) assert.equal(r.json.error.code, code);
};
const isPage = (r, status) => {
  assert.equal(r.status, status);
  assert.match(r.headers['content-type'], /^text\/html/);
  assert.match(r.headers['x-request-id'], /^req_.{22}$/);
  assert.match(r.text, /^<!DOCTYPE html>/);
};

for (const status of ['/health', '/livez', '/readyz'])
  test(`${status} is 200`, async () => assert.equal((await w.request({ path: status })).status, 200));

test('a body over the limit of nginx is refused in JSON', async () => {
  const r = await w.request({
    method: 'POST', path: '/v1/chat/completions',
    headers: { 'Content-Length': 40 << 20, 'Content-Type': 'application/json' },
  }).catch((e) => e);
  if (r instanceof Error) throw r;
  isApiError(r, 413, 'request_too_large');
});

test('a body over our own limit is refused in JSON', async () => {
  const r = await w.chat(w.key().key, `{"model":"mock-echo","messages":[],"x":"${'a'.repeat(20 << 20)}"}`);
  isApiError(r, 413, 'request_too_large');
});

test('an address that is too long', async () => {
  const long = 'a'.repeat(16000);
  isApiError(await w.request({ path: `/v1/models?x=${long}` }), 414);
  isPage(await w.request({ path: `/?x=${long}` }), 414);
});

test('a header that is too large', async () => {
  isApiError(await w.request({ path: '/v1/models', headers: { 'X-Big': 'a'.repeat(9000) } }), 431);
});

test('TRACE is not for us', async () => {
  isApiError(await w.request({ method: 'TRACE', path: '/v1/models' }), 405, 'method_not_supported');
});

test('dot segments and control characters are one answer in every spelling', async () => {
  for (const at of ['/v1/../admin', '/v1/%2e%2e/admin', '/v1/models/..%2f..%2fadmin', '/v1/.%2e/x', '/v1/models%0d%0aX: y'])
    isApiError(await w.request({ path: at.replace(' ', '%20') }), 400);
});

test('//v1 is /v1', async () => {
  const headers = { Authorization: `Bearer ${w.key().key}` };
  const one = await w.request({ path: '/v1/models', headers });
  const two = await w.request({ path: '//v1/models', headers });
  assert.equal(one.status, 200);
  assert.equal(two.status, 200);
});

test('bytes that are no HTTP get a 400', async () => {
  const answer = await new Promise((done, fail) => {
    let text = '';
    const s = net.connect(w.port, '127.0.0.1', () => s.write('GET /v1/models\u0001 HTTP/1.1\r\nHost x\r\n\r\n'));
    s.on('data', (part) => { text += part; });
    s.on('close', () => done(text));
    s.on('error', fail);
  });
  assert.match(answer, /^HTTP\/1\.1 400 /);
});

test('a static file has a hash in its name and is kept for ever', async () => {
  const file = fs.readdirSync(path.join(root, 'htdocs')).find((f) => /\.(css|js|svg)$/.test(f));
  if (!file) return; // no page has any yet
  const { name, ext } = path.parse(file);
  const r = await w.request({ path: `/static/${name}.0123abcd${ext}` });
  assert.equal(r.status, 200);
  assert.match(r.headers['cache-control'], /max-age=31536000, immutable/);
  assert.equal(r.text, fs.readFileSync(path.join(root, 'htdocs', file), 'utf8'));
  const plain = await w.request({ path: `/static/${file}` });
  assert.equal(plain.headers['cache-control'], 'no-cache');
});

test('a static file that is not there', async () => {
  isPage(await w.request({ path: '/static/nothing.01234567.css' }), 404);
  isPage(await w.request({ path: '/static/..%2f..%2fetc/passwd' }), 400);
  isPage(await w.request({ path: '/error/502' }), 404);
});

test('headers of an upstream do not command nginx', async () => {
  const r = await w.chat(w.key().key, { model: 'mock-evil-headers' });
  assert.equal(r.status, 200);
  for (const name of ['set-cookie', 'location', 'x-accel-redirect', 'x-accel-limit-rate'])
    assert.equal(r.headers[name], undefined, name);
});

test('without the gateway: JSON for callers, a page for people, and when to come back', async () => {
  await w.audit();
  w.gateway.kill('SIGTERM');
  await w.gateway.gone;
  const api = await request(w.base, { path: '/v1/models' });
  isApiError(api, 502);
  assert.ok(Number(api.headers['retry-after']) > 0);
  isPage(await request(w.base, { path: '/' }), 502);
  await w.serve();
  await until('it answers again', async () => (await w.request({ path: '/health' })).status === 200);
});
