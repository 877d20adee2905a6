// A storm that finds nothing has to be one that would find something: programs
// with one line changed (mutants/FILE.NAME.sed, of lib/store/FILE.c), and the
// check that must catch each.
//
//	node tests/storm/mutants.mjs [NAME...]     (all)
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { root } from '../e2e/world.mjs';

export const mutants = {
  'ledger.keep-hold': { phase: 'calm', catches: /audit","what":"account_held/ },
  'ledger.drop-entry': { phase: 'calm', catches: /audit","what":"(txn_sum|balance|total)/ },
  'upkeep.sweep-first': { phase: 'spool', points: 'synced', catches: /in the spool, and not settled/ },
};

export const folder = (name) => path.join(root, 'build/mutants', name);

export function run(name) {
  const { phase, points = '', catches } = mutants[name];
  const began = Date.now();
  return new Promise((done) => {
    const kid = spawn(process.execPath, [path.join(root, 'tests/storm/storm.mjs'), '0', phase], {
      env: { ...process.env, BUILD: folder(name), STORM_POINTS: points },
      stdio: ['ignore', 'pipe', 'pipe'], timeout: 90000 });
    let said = '';
    kid.stdout.on('data', (part) => { said += part; });
    kid.stderr.on('data', (part) => { said += part; });
    kid.on('close', (status) => {
      const found = said.split('\n').filter((line) => / WRONG /.test(line));
      const by = found.map((line) => line.match(catches)?.[0]).find(Boolean)?.replace('","what":"', ': ');
      const s = ((Date.now() - began) / 1000).toFixed(0);
      done({ said, ok: status === 1 && !!by, line: `storm-mutants: ${name} ${by ? `caught in ${s} s, by: ${by}` : 'NOT CAUGHT'}` });
    });
  });
}

export function check({ ok, line, said }) {
  console.log(line);
  assert.ok(ok, `${line}\n${said.slice(-3000)}`);
}

if (process.argv[1] === import.meta.filename)
  for (const r of await Promise.all((process.argv.length > 2 ? process.argv.slice(2) : Object.keys(mutants)).map(run))) check(r);
