// A channel that fails before its first byte: the caller notices nothing.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { openWorld, until } from './world.mjs';

let w;
const faults = ['mock-drop', 'mock-reset', 'mock-500', 'mock-429', 'mock-empty', 'mock-error-first', 'mock-html'];

before(async () => {
  w = await openWorld({ channels: false });
  for (const fault of faults) {
    const name = `team-${fault}`;
    w.channel(`bad-${fault}`, { names: [name], map: `${name}=${fault}`, priority: 10 });
    w.channel(`good-${fault}`, { names: [name], map: `${name}=mock-echo`, priority: 0 });
    w.price(name);
  }
});
after(() => w?.close());

for (const fault of faults)
  test(`two streams at once survive ${fault}`, async () => {
    const mine = w.key();
    const client = new OpenAI({ apiKey: mine.key, baseURL: `${w.base}/v1`, maxRetries: 0 });
    const one = async (text) => {
      const stream = await client.chat.completions.create({
        model: `team-${fault}`, messages: [{ role: 'user', content: text }], stream: true,
      });
      let all = '';
      for await (const chunk of stream) all += chunk.choices[0]?.delta?.content ?? '';
      return all;
    };
    assert.deepEqual(await Promise.all([one('left'), one('right')]), ['echo: left', 'echo: right']);
    const rows = await until('both rows', () => {
      const all = w.log('--token', mine.name).filter((r) => r.state !== 'open');
      return all.length === 2 && all;
    });
    // The second may have been spared the bad channel, which had failed by then.
    assert.ok(rows.some((r) => r.attempts === 2), `attempts ${rows.map((r) => r.attempts)}`);
    for (const row of rows) {
      assert.equal(row.channel, `good-${fault}`);
      assert.equal(row.status, 200);
      assert.ok(row.cost_nusd > 0);
    }
  });
