// The short form of tests/storm/culprits.mjs: its table is to be read; that no
// stream is cut is asserted.
import { test } from 'node:test';
import { check, run } from '../storm/culprits.mjs';

test('200 streams are not cut by their neighbours', async () => {
  check(await run(2, ['nobody', 'nobody, again', '100 uploads at 100 B/s', 'a name server of 3 s, clients leave',
    'a disk whose fsync takes 500 ms', 'a stopped supervisor, a full pipe, debug', 'upstreams that send 100 MB in a line']));
});
