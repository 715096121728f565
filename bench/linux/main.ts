import { command, measureAll } from '../command.ts';
import { writePage } from '../report/write-page.ts';
import { measureMemory } from './memory.ts';
import { measureBesideIotop, measureTop } from './top.ts';

/** In the order of the table. */
const MEASURES = { memory: measureMemory, top: measureTop, iotop: measureBesideIotop };
const BENCH = { name: 'bench:linux', measures: Object.keys(MEASURES) as (keyof typeof MEASURES)[] };

process.exitCode = await command(BENCH, given =>
  measureAll(
    BENCH,
    given,
    name => MEASURES[name](given.quick),
    (rows, where, day) => writePage(rows, where, day, BENCH.name),
  ),
);
