import { command, measureAll } from '../command.ts';
import { writePage } from '../report/write-page.ts';
import { measureCgi } from './cgi.ts';
import { measureFair } from './fair.ts';
import { measureHeld } from './held.ts';
import { measureSubmit } from './submit.ts';

/** In the order of the table. */
const MEASURES = { submit: measureSubmit, held: measureHeld, fair: measureFair, cgi: measureCgi };
const BENCH = { name: 'bench:access', measures: Object.keys(MEASURES) as (keyof typeof MEASURES)[] };

process.exitCode = await command(BENCH, given =>
  measureAll(
    BENCH,
    given,
    name => MEASURES[name](given.quick),
    (rows, where, day) => writePage(rows, where, day, BENCH.name),
  ),
);
