import { join } from 'node:path';
import { inChild } from './child/in-child.ts';
import { command, measureAll } from './command.ts';
import { measureDeepMessage } from './deep-message.ts';
import { measureExecutables } from './executables.ts';
import { measureIdle } from './idle.ts';
import { measureMemory } from './memory.ts';
import { measureQueue } from './queue.ts';
import { writePage } from './report/write-page.ts';
import { measureRollback } from './rollback.ts';
import { measureRollout } from './rollout.ts';
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
  rollout: measureRollout,
};
const BENCH = { name: 'bench', measures: Object.keys(MEASURES) as (keyof typeof MEASURES)[] };

process.exitCode = await command(BENCH, given =>
  measureAll(
    BENCH,
    given,
    name => inChild(join(import.meta.dirname, `${name}.ts`), MEASURES[name], given.quick),
    writePage,
  ),
);
