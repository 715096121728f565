import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machine } from '../machine.ts';
import { table } from '../report/table.ts';
import { endRound, type Figures, round } from './harness/round.ts';
import { type Measured, rowsOf } from './harness/rows.ts';
import { writePage } from './harness/write-page.ts';
import { PEERS, type Peer } from './peers.ts';

const ROUNDS = 3;
const USAGE = `npm run bench:peers -- [--json FILE] [--write] [--only NAME,NAME] [--quick]
  --json FILE  also writes the rows as JSON
  --write      also writes the section of docs/performance.md, and its chart
  --only NAMES measures only these: ${PEERS.map(({ name }) => name).join(', ')}
  --quick      one small round, to see that it works: the figures say nothing
  --help`;

/** Status 0 whatever the figures are; 1 when a system could not be measured; 2 when it was called wrongly. */
async function main(): Promise<number> {
  const given = options();
  if (typeof given === 'string') {
    console.error(`bench:peers: ${given}\n${USAGE}`);
    return 2;
  }
  if (given.help) {
    console.log(USAGE);
    return 0;
  }
  const where = machine();
  console.log(`${where}\n`);
  const { measured, failures } = await measure(given.peers, given.quick);
  const rows = rowsOf(measured);
  console.log(`\n${table(rows)}`);
  for (const [name, reason] of failures) console.log(`${name}: not measured: ${reason}`);
  if (given.json !== undefined) writeFileSync(given.json, `${JSON.stringify(rows, null, 2)}\n`);
  if (failures.size > 0) return 1;
  if (given.write) writePage(measured, where, new Date().toISOString().slice(0, 10));
  return 0;
}

/** Round by round over all systems, every other round backwards: other load on the machine meets all alike. */
async function measure(
  peers: readonly Peer[],
  quick: boolean,
): Promise<{ measured: Measured[]; failures: Map<string, string> }> {
  const found = new Map<Peer, Figures[]>(peers.map(peer => [peer, []]));
  const failures = new Map<string, string>();
  for (let number = 1; number <= (quick ? 1 : ROUNDS); number++) {
    for (const peer of number % 2 === 1 ? peers : peers.toReversed()) {
      if (failures.has(peer.name)) continue;
      try {
        const figures = await round(peer, quick);
        found.get(peer)?.push(figures);
        console.error(`round ${number}: ${peer.name}: ${Math.round(figures.stepsPerSecond)} steps/s`);
      } catch (error) {
        failures.set(peer.name, (error as Error).message);
        console.error(`round ${number}: ${peer.name}: ${(error as Error).message}`);
      }
    }
  }
  const measured = peers
    .filter(({ name }) => !failures.has(name))
    .map(peer => ({ peer, rounds: found.get(peer) ?? [] }));
  return { measured, failures };
}

interface Options {
  readonly peers: readonly Peer[];
  readonly json?: string;
  readonly write: boolean;
  readonly quick: boolean;
  readonly help: boolean;
}

/** The options, or what is wrong with them. */
function options(): Options | string {
  let values: { json?: string; write?: boolean; only?: string[]; quick?: boolean; help?: boolean };
  try {
    ({ values } = parseArgs({
      options: {
        json: { type: 'string' },
        write: { type: 'boolean' },
        only: { type: 'string', multiple: true },
        quick: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    return (error as Error).message;
  }
  const { json, write = false, quick = false, help = false } = values;
  const only = values.only?.flatMap(names => names.split(','));
  const unknown = only?.find(name => !PEERS.some(peer => peer.name === name));
  if (unknown !== undefined) return `there is no system "${unknown}"`;
  if (write && (quick || only !== undefined)) return '--write needs all the systems, in full size';
  const peers = PEERS.filter(({ name }) => only === undefined || only.includes(name));
  return { peers, write, quick, help, ...(json === undefined ? {} : { json }) };
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void endRound().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143)));
process.exitCode = await main();
