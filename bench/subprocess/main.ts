import { join } from 'node:path';
import { closeSpawners } from '../../src/linux/process/run-process.ts';
import { command, measureAll } from '../command.ts';
import { writePage } from '../report/write-page.ts';
import { measureCount } from './count.ts';
import { measureDescriptor } from './descriptor.ts';
import { measureLeft } from './left.ts';
import { measurePipe } from './pipe.ts';

const MEASURES = {
  count: measureCount,
  pipe: measurePipe,
  descriptor: measureDescriptor,
  left: measureLeft,
};
const BENCH = {
  name: 'bench:subprocess',
  measures: Object.keys(MEASURES) as (keyof typeof MEASURES)[],
  writes: 'the table into docs/how-to/subprocess.md',
};
const PAGE = join(import.meta.dirname, '../../docs/how-to/subprocess.md');

process.exitCode = await command(BENCH, given =>
  measureAll(
    BENCH,
    given,
    name => MEASURES[name](given.quick),
    (rows, where, day) => writePage(rows, where, day, BENCH.name, PAGE),
  ),
);
await closeSpawners();
