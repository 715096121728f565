import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { inChild } from '../in-child.ts';
import { machine } from '../machine.ts';
import { table } from '../report/table.ts';
import type { Row } from '../row.ts';
import { measureEmbedded, measureEmbeddedClaims, measureRebuild } from './claims/embedded.ts';
import { measureHttp } from './claims/http.ts';
import { measureKill } from './claims/kill.ts';
import { measureDirectClaims, measurePostgresClaims } from './claims/postgres.ts';
import { measureConflicts } from './memory/conflicts.ts';
import { measureSelect } from './memory/select.ts';
import { measureOpenstack } from './openstack/measure.ts';
import { placementInstalled } from './openstack/server.ts';
import { measurePacking } from './packing.ts';
import { writePage } from './report/write-page.ts';

const NAMES = [
  'select',
  'conflicts',
  'openstack',
  'embedded-claims',
  'rebuild',
  'postgres-claims',
  'embedded',
  'postgres',
  'http',
  'kill',
  'packing',
] as const;
type Name = (typeof NAMES)[number];
const USAGE = `npm run bench:placement -- [--json FILE] [--write] [--only NAME]... [--traces DIR] [--quick]
  --json FILE   also writes the rows as JSON
  --write       also writes the section of docs/performance.md, and its chart
  --only NAME   measures only this: ${NAMES.join(', ')}
  --traces DIR  packing also on recorded traces: huawei-a.events.csv.gz, openb-a.events.csv.gz and openb-a.hosts.csv.gz there
  --quick       small sizes, to see that it works: the figures say nothing
  --help`;

interface Options {
  readonly json?: string;
  readonly write: boolean;
  readonly only?: string[];
  readonly traces?: string;
  readonly quick: boolean;
  readonly help: boolean;
}

/** What later measures stand beside. */
interface Peer {
  version: string | null;
  perSecond: number | null;
}

/** Status 0 whatever the figures are; 1 when a measure broke; 2 when it was called wrongly. */
async function main(): Promise<number> {
  const given = options();
  if (typeof given === 'string') {
    console.error(`bench:placement: ${given}\n${USAGE}`);
    return 2;
  }
  if (given.help) {
    console.log(USAGE);
    return 0;
  }
  const where = machine();
  console.log(`${where}\n`);
  const rows: Row[] = [];
  const peer: Peer = { version: null, perSecond: null };
  let status = 0;
  for (const name of NAMES) {
    if (given.only !== undefined && !given.only.includes(name)) continue;
    const began = performance.now();
    try {
      rows.push(...(await measure(name, given, peer)));
      console.error(`${name}: measured in ${((performance.now() - began) / 1000).toFixed(1)} s`);
    } catch (error) {
      console.error(`bench:placement: ${name}: ${(error as Error).message}`);
      status = 1;
    }
  }
  console.log(`\n${table(rows)}`);
  if (given.json !== undefined) writeFileSync(given.json, `${JSON.stringify(rows, null, 2)}\n`);
  if (given.write && status === 0)
    writePage(rows, { where, peer: peer.version, day: new Date().toISOString().slice(0, 10) });
  return status;
}

/** Each in a process of its own, so that heap and caches are its own. */
async function measure(name: Name, { quick, traces }: Options, peer: Peer): Promise<Row[]> {
  const file = (path: string): string => join(import.meta.dirname, path);
  switch (name) {
    case 'select':
      return await inChild(file('memory/select.ts'), measureSelect, quick);
    case 'openstack': {
      if (!placementInstalled()) {
        console.error('openstack: not installed, so nothing is measured beside it');
        return [];
      }
      const figures = await inChild(file('openstack/measure.ts'), measureOpenstack, quick);
      peer.version = figures.version;
      peer.perSecond = figures.perSecond;
      return figures.rows;
    }
    case 'conflicts':
      return await inChild(file('memory/conflicts.ts'), measureConflicts, quick);
    case 'embedded-claims':
      return await inChild(file('claims/embedded.ts'), measureEmbeddedClaims, quick);
    case 'rebuild':
      return await inChild(file('claims/embedded.ts'), measureRebuild, quick);
    case 'postgres-claims':
      return await inChild(file('claims/postgres.ts'), measureDirectClaims, quick, peer.perSecond);
    case 'embedded':
      return await inChild(file('claims/embedded.ts'), measureEmbedded, quick);
    case 'postgres':
      return await inChild(file('claims/postgres.ts'), measurePostgresClaims, quick, peer.perSecond);
    case 'http':
      return await inChild(file('claims/http.ts'), measureHttp, quick, peer.perSecond);
    case 'kill':
      return await inChild(file('claims/kill.ts'), measureKill, quick);
    case 'packing':
      return await inChild(file('packing.ts'), measurePacking, quick, traces ?? null);
  }
}

/** The options, or what is wrong with them. */
function options(): Options | string {
  let values: Partial<Options>;
  try {
    ({ values } = parseArgs({
      options: {
        json: { type: 'string' },
        write: { type: 'boolean' },
        only: { type: 'string', multiple: true },
        traces: { type: 'string' },
        quick: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    return (error as Error).message;
  }
  const unknown = values.only?.find(name => !(NAMES as readonly string[]).includes(name));
  if (unknown !== undefined) return `there is no measure "${unknown}"`;
  if (values.write && (values.quick || values.only)) return '--write needs all the figures, in full size';
  return { write: false, quick: false, help: false, ...values };
}

process.exitCode = await main();
