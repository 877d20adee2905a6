// The short form of tests/storm/storm.mjs.
import { test } from 'node:test';
import { check, storm } from '../storm/storm.mjs';

test('kill -9 of everything loses nothing that was answered', async () => {
  check(await storm({ seconds: 12 }), 20);
});
