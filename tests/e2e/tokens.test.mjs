// Our tokens are those of the published encoder, number for number.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { openWorld, until } from './world.mjs';

const root = new URL('../..', import.meta.url).pathname;
const build = process.env.BUILD ?? `${root}/build`;
const ranks = `${root}/build/ranks`;
// Programs of another build have none beside them.
process.env.PONTAGE_RANKS_DIR = ranks;
const { get_encoding } = createRequire(`${ranks}/npm/`)('tiktoken');

// The same numbers at every run.
let seed = 20261121;
const random = (n) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor(seed / 2 ** 32 * n);
};
const make = (n, f) => Array.from({ length: n }, f).join('');
const pick = (of) => of[random(of.length)];
const bytes = (n) => Buffer.from(Array.from({ length: n }, () => random(256)));
const sources = (folder, end) => readdirSync(`${root}/${folder}`).filter((f) => f.endsWith(end))
  .map((f) => readFileSync(`${root}/${folder}/${f}`, 'utf8')).join('');

const chinese = '天地玄黄,宇宙洪荒。日月盈昃,辰宿列张。人工智能模型的网关如何计算费用?每一分钱都要有出处。' +
  '今天的天气很好,我们去公园散步吧!数据库在提交之前不会调用上游服务。';
const emoji = ['😀', '👩‍👩‍👧‍👦', '🏳️‍🌈', '🇩🇪', '👍🏽', '❤️', '🫠', '1️⃣', '🧑🏿‍🚀', '☕'];
const blanks = [' ', '  ', '\t', '\n', '\r\n', '\n\n', '\u00a0', '\u2003', '\u3000', '\u0085', '\u180e',
  '\u200b', '\ufeff', '\u2028', '\v', '\f', '\x1c'];
const words = ['the', 'The', 'THE', "don't", "I'LL", "we'Ve", 'ſ', "o'ſ", 'ǅ', 'ʰ', 'camelCase',
  'HTTPServer', 'snake_case', '1234567', '½', '٣٤', 'Ⅷ', 'naïve', 'cafe\u0301', 'Straße', 'привет',
  'ΑΒΓδ', 'שלום', 'مرحبا', 'नमस्ते', '한국어', 'カタカナ', 'ひらがな', '//', '\\n', '{}', '...', '<|endoftext|>', '\0'];

const corpus = {
  'nothing': '',
  'C code': sources('lib/json', '.c') + sources('lib/count', '.def'),
  'JavaScript': sources('tests/e2e', '.mjs'),
  'SQL and Markdown': sources('sql/query', '.sql') + sources('docs', '.md'),
  'JSON': readFileSync(`${root}/tests/e2e/bad-inputs.json`, 'utf8'),
  'Chinese': chinese.repeat(20),
  'emoji': make(2000, () => pick(emoji) + (random(3) ? '' : ' ')),
  'base64': bytes(60000).toString('base64'),
  'base64 in lines': bytes(30000).toString('base64').replace(/.{76}/g, '$&\n'),
  'hex': bytes(20000).toString('hex'),
  '16,000 times a': 'a'.repeat(16000),
  '60,000 times a': 'a'.repeat(60000),
  '16,000 blanks': ' '.repeat(16000),
  '16,000 ends of line': '\n'.repeat(16000),
  'runs of blanks': make(6000, () => pick(blanks).repeat(1 + random(9)) + pick(['', 'x', 'Yz', '7', '!'])),
  'words of all kinds': make(20000, () => pick(words) + pick(['', ' ', '\n', '-', "'s", "'S"])),
  'digits': make(5000, () => String(random(1e9)) + pick(['', ',', ' ', '.'])),
  'signs': make(20000, () => String.fromCharCode(33 + random(15))),
  'random bytes read as UTF-8': bytes(60000).toString('utf8'),
  'random characters': make(30000, () => String.fromCodePoint(
    pick([random(0x80), random(0x800), 0x800 + random(0xd000 - 0x800), 0x1f300 + random(0x700)]))),
  'random ASCII': make(60000, () => String.fromCharCode(random(128))),
};

const ours = (encoding, text) => execFileSync(`${build}/tools/ids`, [ranks, encoding],
  { input: text, maxBuffer: 1 << 28 }).toString().split('\n').slice(0, -1).map(Number);

for (const encoding of ['o200k_base', 'cl100k_base']) {
  const published = get_encoding(encoding);
  for (const [name, text] of Object.entries(corpus))
    test(`${encoding}: ${name}`, () => {
      const want = [...published.encode(text, [], [])];
      const got = ours(encoding, text);
      const at = got.findIndex((id, i) => id !== want[i]);
      assert.equal(at, -1, `token ${at}: ${got.slice(at - 2, at + 4)}, not ${want.slice(at - 2, at + 4)}: ` +
        JSON.stringify(Buffer.from(published.decode(Uint32Array.from(want.slice(at - 2, at + 4)))).toString()));
      assert.equal(got.length, want.length);
    });
}

// --- what is charged where the upstream does not say ---------------------------

let w;

before(async () => {
  const of = { 'gpt-4o': 'mock-usage-missing', 'gpt-4': 'mock-usage-missing', 'gpt-4.1': 'mock-cut' };
  w = await openWorld();
  w.channel('named', { names: Object.keys(of), map: Object.entries(of).map((e) => e.join('=')).join(',') });
  for (const model of Object.keys(of)) w.price(model);
});
after(() => w?.close());

const rowOf = (id) => until(`the row of ${id}`, () =>
  w.log().find((r) => r.request_id === id && r.state !== 'open'));
const messages = [{ role: 'user', content: '数一数 these tokens, 😀 please: 1234567' }];
// 3 for the message, 1 for its role, 3 for the answer.
const promptOf = (encoding) => 7 + get_encoding(encoding).encode(messages[0].content).length;

for (const [model, encoding] of [['gpt-4o', 'o200k_base'], ['gpt-4', 'cl100k_base']])
  for (const stream of [false, true])
    test(`without usage ${model}'s ${stream ? 'stream' : 'answer'} is counted exactly`, async () => {
      const r = await w.chat(w.key().key, { model, stream, messages });
      assert.equal(r.status, 200);
      const said = stream ?
        r.text.split('\n').filter((l) => l.startsWith('data: {')).map((l) =>
          JSON.parse(l.slice(6)).choices[0]?.delta?.content ?? '').join('') :
        r.json.choices[0].message.content;
      const row = await rowOf(r.headers['x-request-id']);
      assert.equal(row.source, 'counted');
      const receipt = w.pontage('receipt', row.request_id);
      assert.equal(receipt.usage.counts.by, encoding, JSON.stringify(receipt.usage));
      assert.equal(row.prompt_tokens, promptOf(encoding));
      assert.equal(row.completion_tokens, get_encoding(encoding).encode(said).length, said);
    });

test('a stream that is cut off is counted as far as it came', async () => {
  const r = await w.chat(w.key().key, { model: 'gpt-4.1', stream: true, messages });
  const said = r.text.split('\n').filter((l) => l.startsWith('data: {')).map((l) =>
    JSON.parse(l.slice(6)).choices?.[0]?.delta?.content ?? '').join('');
  const row = await rowOf(r.headers['x-request-id']);
  assert.equal(row.source, 'partial');
  assert.equal(row.prompt_tokens, promptOf('o200k_base'));
  assert.equal(row.completion_tokens, get_encoding('o200k_base').encode(said).length, said);
});

test('pontage count says the same', () => {
  const got = JSON.parse(execFileSync(`${build}/pontage`, ['count', 'gpt-4o', '--request', '--json'],
    { input: JSON.stringify({ messages }) }));
  assert.deepEqual([got.tokens, got.encoding, got.count], [promptOf('o200k_base'), 'o200k_base', 'exact']);
  assert.ok(got.at_most >= got.tokens);
});
