/**
 * The floor of PostgreSQL: a bare loop that writes exactly the rows of these flows into Coax's tables, with the hash of each
 * commit in its chain, by `pg`: batches of 256 transitions, each one statement and one transaction, over 4 connections. It
 * knows nothing of plans, claims or steps. At idle: four single transactions, one after the other.
 */
import pg from 'pg';
import { commitId } from '../../src/ledger/commit.ts';
import { prefixNumber } from '../../src/store/id-prefix.ts';
import { bigintArray, textArray } from '../../src/store/postgres/link/binary-array.ts';
import { openPostgres } from '../../src/store/postgres/open-postgres.ts';
import { now, serve } from './serve.ts';

const BATCH = 256;
const CONNECTIONS = 4;
const CODE = 'c'.repeat(64);
const STEPS = ['resource select_host', 'network alloc_ip', 'compute create_vm', 'resource update_info'];
const SETS = ['{"host":"node-1"}', '{"ip":"10.0.0.11"}', '{"uuid":"6f1c0b9e"}', '{"state":"ready"}'];
const ADDRESSES = ['network', 'compute', 'resource', null];

const INSERT = `INSERT INTO messages (msgid, ready_at, lease_until, created, updated, fence, seq, cursor, attempt, begun, floor,
    mode, phase, address, worker, head, flow, plan, actor, base, trail)
  SELECT msgid, 0, 9000000000000, $2, $2, 1, 0, 0, 1, 0, 0, 'normal', 'open', 'resource', 'bench', $3, 'create_vm', $3, 'bench',
    '{"cpu":2,"mem":4096}', '[]' FROM unnest($1::bigint[]) AS i (msgid)`;

/** The columns that a transition changes; the last one ends the lease. */
const write = (ends: string): string => `WITH moved AS (
    UPDATE messages m SET cursor = $1::integer, seq = $1::integer, trail = $2, address = $3, updated = $4::bigint,
      ready_at = $4::bigint, head = i.head${ends}
    FROM unnest($5::bigint[], $6::text[], $7::bigint[], $8::text[]) AS i (msgid, head, prefix, body)
    WHERE m.msgid = i.msgid AND m.fence = 1 AND m.seq = $1::integer - 1
    RETURNING i.msgid, i.head, i.prefix, i.body
  ) INSERT INTO commits (msgid, seq, prefix, origin, id, body)
    SELECT msgid, $1::integer, prefix, 1, head, body FROM moved`;
const NEXT = { name: 'next', text: write('') };
const LAST = { name: 'last', text: write(", phase = 'done', lease_until = NULL, worker = NULL") };

/** Four transitions of each of these messages, one batch after the other. */
async function writeFour(client: pg.Client, msgids: readonly number[]): Promise<void> {
  let heads: string[] = msgids.map(() => CODE);
  const trail: string[] = [];
  for (const [step, name] of STEPS.entries()) {
    const at = Date.now();
    trail.push(`{"step":${step},"set":${SETS[step]}}`);
    const bodies = msgids.map(
      (msgid, index) =>
        `{"actor":"coax","attempt":1,"code":"${CODE}","cursor":${step},"finished":${at},"mode":"normal","msgid":${msgid},"outcome":"ok","parent":"${heads[index]}","seq":${step + 1},"set":${SETS[step]},"started":${at},"step":"${name}","worker":"bench"}`,
    );
    heads = bodies.map(commitId);
    const { rowCount } = await client.query({
      ...(step === STEPS.length - 1 ? LAST : NEXT),
      values: [
        step + 1,
        `[${trail.join(',')}]`,
        ADDRESSES[step],
        at,
        bigintArray(msgids),
        textArray(heads),
        bigintArray(heads.map(prefixNumber)),
        textArray(bodies),
      ],
    });
    if (rowCount !== msgids.length) throw new Error(`${rowCount} of ${msgids.length} rows were written`);
  }
}

await serve(async ({ url }) => {
  await (await openPostgres({ url })).close();
  const clients = Array.from({ length: CONNECTIONS }, () => new pg.Client(url));
  for (const client of clients) await client.connect();
  const [first] = clients as [pg.Client];
  let made = 0;
  let open: number[] = [];
  const add = async (count: number): Promise<number[]> => {
    const msgids = Array.from({ length: count }, () => ++made);
    await first.query(INSERT, [bigintArray(msgids), Date.now(), CODE]);
    return msgids;
  };
  return {
    async submit(flows) {
      open = [];
      for (let left = flows; left > 0; left -= 1000) open.push(...(await add(Math.min(left, 1000))));
    },
    async work() {
      const began = now();
      await Promise.all(
        clients.map(async client => {
          while (open.length > 0) await writeFour(client, open.splice(0, BATCH));
        }),
      );
      return { began, ended: now() };
    },
    async complete() {
      const { rows } =
        await first.query(`SELECT count(*)::int AS count FROM messages m WHERE phase = 'done' AND 4 =
        (SELECT count(*) FROM commits c WHERE c.msgid = m.msgid)`);
      return (rows[0] as { count: number }).count;
    },
    async rest() {},
    async wake() {
      open = await add(1000);
    },
    async one() {
      if (open.length === 0) open = await add(1000);
      await writeFour(first, open.splice(0, 1));
    },
    async close() {
      for (const client of clients) await client.end();
    },
  };
});
