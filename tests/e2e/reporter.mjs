// Prints what failed and how, a line a file, and the count that check.sh adds.
import path from 'node:path';

export default async function* reporter(events) {
  const files = new Map();
  let passed = 0, failed = 0;
  for await (const { type, data } of events) {
    if (type === 'test:stdout' || type === 'test:stderr') {
      yield data.message;
      continue;
    }
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (data.details?.type === 'suite' || data.skip) continue;
    const file = path.basename(data.file ?? '');
    // A file that could not be run is reported as a test of its own name.
    const count = files.get(file) ?? { passed: 0, failed: 0, ms: 0 };
    files.set(file, count);
    count.ms += data.details?.duration_ms ?? 0;
    if (type === 'test:pass') {
      if (data.name?.endsWith('.mjs')) continue;
      count.passed++, passed++;
      continue;
    }
    count.failed++, failed++;
    const error = data.details?.error;
    const cause = error?.cause ?? error;
    yield `FAIL ${file}: ${data.name}\n`;
    yield `${cause?.stack ?? cause?.message ?? cause}\n`.replace(/^/gm, '    ');
  }
  for (const [file, n] of files)
    yield `  ${file}: ${n.passed} passed` +
      (n.failed ? `, ${n.failed} wrong` : '') + ` (${(n.ms / 1000).toFixed(1)} s)\n`;
  yield `e2e: ${passed} passed, ${failed} failed\n`;
}
