// The short form of tests/storm: each of its phases, and that it finds what is
// wrong.
import fs from 'node:fs';
import { test } from 'node:test';
import * as mutants from '../storm/mutants.mjs';
import { check, phases, storm } from '../storm/storm.mjs';

test('kill -9 of everything, and a locked database, lose nothing that was answered', async () => {
  check(await storm('kill', phases.kill.short));
});

// Under ASan (make e2e-asan) nothing else can be preloaded.
test('a settle in the spool counts once, whoever is killed when', { skip: !!process.env.ASAN_OPTIONS }, async () => {
  check(await storm('spool', phases.spool.short));
});

test('a full disk loses nothing that was answered', async () => {
  check(await storm('disk', phases.disk.short));
});

const wrong = Object.keys(mutants.mutants);
test('programs that are wrong are found', { skip: !wrong.every((name) => fs.existsSync(mutants.folder(name))) }, async () => {
  for (const r of await Promise.all(wrong.map(mutants.run))) mutants.check(r);
});
