import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureDeepMessage } from './deep-message.ts';
import { measureExecutables } from './executables.ts';
import { measureIdle } from './idle.ts';
import { inChild } from './in-child.ts';
import { machine } from './machine.ts';
import { measureMemory } from './memory.ts';
import { measureQueue } from './queue.ts';
import { table } from './report/table.ts';
import { writePage } from './report/write-page.ts';
import { measureRollback } from './rollback.ts';
import type { Row } from './row.ts';
import { measureSaturation } from './saturation.ts';

/** In the order of the table; each is exported by the file of its name. */
const MEASURES = {
  saturation: measureSaturation,
  memory: measureMemory,
  idle: measureIdle,
  rollback: measureRollback,
  queue: measureQueue,
  'deep-message': measureDeepMessage,
  executables: measureExecutables,
};
const NAMES = Object.keys(MEASURES) as (keyof typeof MEASURES)[];
const USAGE = `npm run bench -- [--json FILE] [--write] [--only NAME]... [--quick]
  --json FILE  also writes the rows as JSON
  --write      also writes the table into docs/performance.md
  --only NAME  measures only this: ${NAMES.join(', ')}
  --quick      small sizes, to see that it works: the figures say nothing
  --help`;

/** Status 0 however slow the machine is; 1 when a measure broke; 2 when it was called wrongly. */
async function main(): Promise<number> {
  const given = options();
  if (typeof given === 'string') {
    console.error(`bench: ${given}\n${USAGE}`);
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
      rows.push(...(await inChild(join(import.meta.dirname, `${name}.ts`), MEASURES[name], given.quick)));
      console.error(`${name}: measured in ${((performance.now() - began) / 1000).toFixed(1)} s`);
    } catch (error) {
      console.error(`bench: ${(error as Error).message}`);
      status = 1;
    }
  }
  console.log(`\n${table(rows)}`);
  if (given.json !== undefined) writeFileSync(given.json, `${JSON.stringify(rows, null, 2)}\n`);
  if (given.write && status === 0) writePage(rows, where, new Date().toISOString().slice(0, 10));
  return status;
}

interface Options {
  readonly json?: string;
  readonly write: boolean;
  readonly only?: string[];
  readonly quick: boolean;
  readonly help: boolean;
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
