// A channel that goes out through a proxy.
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { freePort, openWorld } from './world.mjs';

let w, proxy, key;
const asked = [];

before(async () => {
  proxy = http.createServer();
  proxy.on('connect', (req, socket) => {
    asked.push(req.url);
    const [host, port] = req.url.split(':');
    const up = net.connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\nX-Proxy: yes\r\n\r\n');
      up.pipe(socket).pipe(up);
    });
    up.on('error', () => socket.destroy());
    socket.on('error', () => up.destroy());
  });
  await new Promise((done) => proxy.listen(0, '127.0.0.1', done));
  w = await openWorld({ channels: false });
  const { port } = proxy.address();
  const local = { allow: '127.0.0.0/8' };
  w.channel('through', { names: ['mock-echo'], proxy: `http://127.0.0.1:${port}`, ...local });
  w.channel('dead', { names: ['mock-tools'], proxy: `http://127.0.0.1:${await freePort()}`, priority: 9, ...local });
  w.channel('direct', { names: ['mock-tools'] });
  w.price('mock-echo');
  w.price('mock-tools');
  ({ key } = w.key());
});
after(async () => { await w?.close(); proxy?.closeAllConnections(); proxy?.close(); });

for (const stream of [false, true])
  test(`an answer comes through the proxy, ${stream ? 'streamed' : 'whole'}`, async () => {
    const before = asked.length;
    const r = await w.chat(key, { model: 'mock-echo', stream });
    assert.equal(r.status, 200, r.text);
    assert.match(r.text, /echo: hi|echo/);
    assert.equal(asked.length, before + 1);
    assert.equal(asked.at(-1), `127.0.0.1:${w.mock.port}`);
    assert.equal(r.headers['x-proxy'], undefined);
  });

test('a proxy that is not there is a channel that fails', async () => {
  const r = await w.chat(key, { model: 'mock-tools' });
  assert.equal(r.status, 200, r.text);
  assert.equal(w.log('--model', 'mock-tools')[0].attempts, 2);
});
