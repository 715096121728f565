import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machine } from '../machine.ts';
import { table } from '../report/table.ts';
import { writePage } from '../report/write-page.ts';
import type { Row } from '../row.ts';
import { measureHeld } from './held.ts';
import { measureSubmit } from './submit.ts';

/** In the order of the table. */
const MEASURES = { submit: measureSubmit, held: measureHeld };
const NAMES = Object.keys(MEASURES) as (keyof typeof MEASURES)[];
const USAGE = `npm run bench:access -- [--json FILE] [--write] [--only NAME]... [--quick]
  --json FILE  also writes the rows as JSON
  --write      also writes the table into docs/performance.md
  --only NAME  measures only this: ${NAMES.join(', ')}
  --quick      small sizes, to see that it works: the figures say nothing
  --help`;

interface Options {
  readonly json?: string;
  readonly write: boolean;
  readonly only?: string[];
  readonly quick: boolean;
  readonly help: boolean;
}

/** Status 0 whatever the figures are; 1 when a measure broke; 2 when it was called wrongly. */
async function main(): Promise<number> {
  const given = options();
  if (typeof given === 'string') {
    console.error(`bench:access: ${given}\n${USAGE}`);
    return 2;
  }
  if (given.help) {
    console.log(USAGE);
    return 0;
  }
  const where = machine();
  console.log(`${where}\n`);
  const rows: Row[] = [];
  let status = 0;
  for (const name of NAMES) {
    if (given.only !== undefined && !given.only.includes(name)) continue;
    const began = performance.now();
    try {
      rows.push(...(await MEASURES[name](given.quick)));
      console.error(`${name}: measured in ${((performance.now() - began) / 1000).toFixed(1)} s`);
    } catch (error) {
      console.error(`bench:access: ${name}: ${(error as Error).message}`);
      status = 1;
    }
  }
  console.log(`\n${table(rows)}`);
  if (given.json !== undefined) writeFileSync(given.json, `${JSON.stringify(rows, null, 2)}\n`);
  if (given.write && status === 0)
    writePage(rows, where, new Date().toISOString().slice(0, 10), 'bench:access');
  return status;
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
        quick: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    return (error as Error).message;
  }
  const unknown = values.only?.find(name => !(name in MEASURES));
  if (unknown !== undefined) return `there is no measure "${unknown}"`;
  if (values.write && (values.quick || values.only)) return '--write needs all the figures, in full size';
  return { write: false, quick: false, help: false, ...values };
}

process.exitCode = await main();
