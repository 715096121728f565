import { command, type Given, keep, today } from '../command.ts';
import { machine } from '../machine.ts';
import { table } from '../report/table.ts';
import { endRound, type Figures, round } from './harness/round.ts';
import { type Measured, rowsOf } from './harness/rows.ts';
import { writePage } from './harness/write-page.ts';
import { PEERS, type Peer } from './peers.ts';

const ROUNDS = 3;
const BENCH = {
  name: 'bench:peers',
  measures: PEERS.map(({ name }) => name),
  writes: 'the section of docs/performance.md, and its chart',
};

/** Status 0 whatever the figures are; 1 when a system could not be measured. */
async function main(given: Given): Promise<number> {
  const where = machine();
  console.log(`${where}\n`);
  const peers = PEERS.filter(({ name }) => given.only === undefined || given.only.includes(name));
  const { measured, failures } = await measure(peers, given.quick);
  const rows = rowsOf(measured);
  console.log(`\n${table(rows)}`);
  for (const [name, reason] of failures) console.log(`${name}: not measured: ${reason}`);
  keep(rows, given);
  if (failures.size > 0) return 1;
  if (given.write) writePage(measured, where, today());
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

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void endRound().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143)));
process.exitCode = await command(BENCH, main);
