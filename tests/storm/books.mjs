// What must be so: each second of the storm, and when it is over, where client,
// provider and database are compared request by request.
import { cli } from './deeds.mjs';

const tally = (list, of) => list.reduce((m, x) => { m[of(x)] = (m[of(x)] ?? 0) + 1; return m; }, {});
const words = (m) => Object.entries(m).map(([k, n]) => `${n} ${k}`).join(', ') || 'nothing';
const any = (list) => list[Math.floor(Math.random() * list.length)];
const sum = (list, of) => list.reduce((n, x) => n + of(x), 0);

// In one read transaction, so that all of it is of one moment.
function read(s, queries) {
  s.db.exec('BEGIN');
  try {
    return queries.map(([text, ...args]) => s.db.prepare(text).all(...args));
  } finally {
    s.db.exec('ROLLBACK');
  }
}

const revenue = ['SELECT (SELECT balance_nusd FROM account WHERE kind = \'revenue\') AS revenue, ' +
  '(SELECT coalesce(sum(cost_nusd - refunded_nusd), 0) FROM request) AS cost'];

// --- each second ----------------------------------------------------------------

// Findings in words; audits that could not run are counted: on a full disk
// they may not.
export async function look(s, p) {
  const began = Date.now();
  const audit = await cli(s.w, 'audit');
  p.looks.slowest = Math.max(p.looks.slowest, Date.now() - began);
  if (audit.status === 0) p.looks.clean++;
  else if (audit.json?.findings?.length) for (const f of audit.json.findings) s.found('audit', f.check, `${f.sentence}: ${f.what}`);
  else p.looks.failed.push(audit.said.trim());
  const late = Date.now() - s.expiry_ms - (p.locked_ms ?? 0);
  const [[money], open] = read(s, [revenue, ['SELECT request_id AS id FROM request WHERE state = \'open\' AND started_ms < ?', late]]);
  if (money.revenue !== money.cost) s.found('books', 'revenue', `${money.revenue}, and requests cost ${money.cost}`);
  for (const r of open) s.found('books', 'open past its expiry', r.id);
}

// --- when it is over ------------------------------------------------------------

// Each line of a bill was rounded up alone; the mock's numbers are exact.
const price = (u, ppm) => Math.ceil(u.prompt * ppm / 1000) + Math.ceil(u.completion * 2 * ppm / 1000);

const spent = `SELECT u.name, a.balance_nusd AS balance, a.held_nusd AS held,
  (SELECT coalesce(-sum(e.amount_nusd), 0) FROM entry e JOIN txn t ON t.id = e.txn_id
    WHERE e.account_id = a.id AND t.kind IN ('settle', 'refund')) AS spent,
  (SELECT coalesce(sum(cost_nusd - refunded_nusd), 0) FROM request WHERE account_id = a.id) AS cost,
  (SELECT coalesce(sum(CASE WHEN lines = '' THEN cost_nusd ELSE
            (SELECT sum(value ->> 'amount_nusd') FROM json_each(lines)) END - refunded_nusd), 0)
     FROM request WHERE account_id = a.id) AS receipts,
  (SELECT count(*) FROM request WHERE account_id = a.id AND cost_nusd > 0) AS n,
  EXISTS (SELECT 1 FROM request WHERE account_id = a.id AND overshoot) AS overshoot
  FROM user u JOIN account a ON a.kind = 'user' AND a.owner_id = u.id`;

// GET /receipt/{id} with the user's key, and `pontage receipt`: what they say.
async function receipts(s, rows, user) {
  const wrong = [];
  for (const [i, row] of rows.entries()) {
    const key = s.keys[user ?? row.user].key;
    const r = await s.w.request({ path: `/receipt/${row.id}`, headers: { Authorization: `Bearer ${key}` } });
    const cost = r.json?.amount_nusd === row.cost && r.json.refunded_nusd === row.refunded && r.json.paid_nusd === row.cost - row.refunded;
    if (r.status !== 200 || !cost || (row.state === 'settled' && !r.json.adds_up)) wrong.push([row, r.status, r.text.slice(0, 300)]);
    if (i % 10) continue;
    const said = await cli(s.w, 'receipt', row.id);
    if (said.json?.amount_nusd !== row.cost) wrong.push([row, said.said.slice(0, 300)]);
  }
  return wrong;
}

// All receipts of the user who has the fewest, and some of everybody's.
async function readReceipts(s, users, rows) {
  const few = users.filter((u) => u.n && s.keys[u.name]).sort((a, b) => a.n - b.n)[0];
  const [theirs] = few ? read(s, [[`${one} WHERE u.name = ? AND r.cost_nusd > 0 ORDER BY r.id DESC LIMIT 400`, few.name]]) : [[]];
  const paid = rows.filter((r) => r.cost > 0 && s.keys[r.user]);
  const some = Array.from({ length: Math.min(40, paid.length) }, () => any(paid));
  const wrong = [...await receipts(s, theirs), ...await receipts(s, some)];
  if (few && few.n <= 400 && sum(theirs, (r) => r.cost - r.refunded) !== few.spent) wrong.push([few, 'all receipts together']);
  return { n: theirs.length + some.length, wrong };
}

const one = `SELECT r.request_id AS id, r.state, r.error, r.cost_nusd AS cost, r.refunded_nusd AS refunded, r.factor_ppm AS ppm,
  r.token_id AS token, r.stopped, u.name AS user FROM request r LEFT JOIN user u ON u.id = r.user_id`;

export async function compare(s, p) {
  const [rows, users, [money], [held], used] = read(s, [[`${one} WHERE r.id > ?`, p.after], [spent], revenue,
    ['SELECT (SELECT sum(held_nusd) FROM account) + (SELECT sum(held_nusd) FROM token) + (SELECT coalesce(sum(held_nusd), 0) FROM budget) AS n'],
    ['SELECT request_id AS id, refunded_nusd AS refunded, cost_nusd AS cost FROM request WHERE refunded_nusd <> 0']]);
  const byId = new Map(rows.map((r) => [r.id, r]));
  const seen = (await s.w.mock.requests()).filter((r) => r.id.startsWith('storm-'));
  const asked = tally(seen, (r) => r.id.replace(/^(storm-\d+-).*/, '$1'));
  const { all } = p;
  const whole = all.filter((a) => a.how === 'whole');
  const ids = new Set(all.map((a) => a.id));
  // max_attempts is 4; what closes a kept connection without a byte libcurl asks again by itself.
  const most = new Map(all.map((a) => [a.tag, a.insists ? Infinity : a.model === 'mock-drop' ? 8 : a.faulty ? 4 : 1]));
  const cost = (id) => byId.get(id)?.cost ?? 0;
  const exact = (a) => {
    const r = byId.get(a.id);
    if (!r || !a.usage || r.state === 'void') return true;
    const should = price(a.usage, r.ppm);
    return r.state === 'lost' ? r.cost <= should : r.cost === should;
  };
  const read_ = await readReceipts(s, users, rows);
  const dear = rows.filter((r) => r.token === s.keys.twice.id && r.cost > 0);
  const wrong = {
    'answered, not in the database': whole.filter((a) => !byId.has(a.id)),
    'answered, unknown to the provider': whole.filter((a) => !asked[a.tag]),
    'answered, and given back': whole.filter((a) => byId.get(a.id)?.state === 'void'),
    'answered, at another price than its usage': whole.filter((a) => !exact(a)),
    'provider asked more often than it may be': Object.entries(asked).filter(([tag, k]) => k > most.get(tag)),
    'provider asked, no row': all.filter((a) => asked[a.tag] && a.status === 200 && !byId.has(a.id)),
    'garbled': all.filter((a) => a.how === 'garbled'),
    'no end in time': all.filter((a) => a.how === 'hung'),
    'rows nobody asked for': rows.filter((r) => !ids.has(r.id)).slice(all.filter((a) => !a.id || !byId.has(a.id)).length),
    'an Idempotency-Key that paid not once': sum(p.ended, (x) => cost(x.id) > 0) === dear.length ? [] : [p.ended.length, dear.length],
    'in the spool, and not settled at its cost': [...p.promised].filter(([id, nusd]) =>
      !['settled', 'void'].includes(byId.get(id)?.state) || byId.get(id).cost !== nusd),
    'open after the sweep': rows.filter((r) => r.state === 'open'),
    'money held after the sweep': held.n ? [held.n] : [],
    'revenue is not what requests cost': money.revenue === money.cost ? [] : [money],
    'users who spent something else than their receipts say': users.filter((u) => u.spent !== u.cost || u.spent !== u.receipts),
    'users who have something else than they got and did not spend': users.filter((u) => u.balance !== s.given[u.name] - u.spent),
    'users below zero': users.filter((u) => u.balance < 0 && !u.overshoot),
    'receipts that are wrong': read_.wrong,
    'refunds that were lost, or made up': [...used.filter((r) => !s.refunds.has(r.id) || r.refunded !== r.cost),
      ...[...s.refunds].filter((id) => !used.some((r) => r.id === id))],
    'deeds that went wrong': s.wrong.splice(0),
    'audits that found something': s.findings.splice(0),
    'audits that could not run': p.full ? [] : p.looks.failed,
  };
  return { name: p.name, requests: all.length, answered: whole.length, wrong, lines: [
    `${p.name}: ${all.length} requests in ${((Date.now() - p.began) / 1000).toFixed(0)} s${p.note ? `; ${p.note}` : ''}`,
    `  client    ${words(tally(all, (a) => a.how))}`,
    `  provider  ${seen.length} requests: ${words(tally(seen, (r) => r.end))}`,
    `  database  ${rows.length} rows: ${words(tally(rows, (r) => r.state))}`,
    `  money     ${words(s.deeds)}; ${rows.filter((r) => r.stopped).length} streams ended by their budget`,
    `  books     ${p.looks.clean} audits clean${p.looks.failed.length ? `, ${p.looks.failed.length} could not run` : ''}, the slowest ${(p.looks.slowest / 1000).toFixed(1)} s; ` +
      `revenue $${(money.revenue / 1e9).toFixed(9)} of ${users.length} users; ${read_.n} receipts read`,
    ...Object.entries(wrong).filter(([, list]) => list.length).map(([what, list]) =>
      `  WRONG     ${list.length} ${what}: ${JSON.stringify(list.slice(0, 3)).slice(0, 600)}`),
  ] };
}
