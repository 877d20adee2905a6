// The short form of tests/storm/flip.mjs; FLIP_S=60 is the long one.
import { test } from 'node:test';
import { check, flip } from '../storm/flip.mjs';

test('nobody notices a channel that changes its mood each second', async () => {
  check(await flip(Number(process.env.FLIP_S ?? 6)));
});
