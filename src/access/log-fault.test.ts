import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { CoaxError } from '../errors/coax-error.ts';
import { logLater } from './log-fault.ts';

function logged(thrown: unknown): Record<string, unknown> {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  logLater(log, thrown, 'old ones stay for now');
  assert.equal(lines.length, 1);
  return JSON.parse(lines[0]!);
}

test('what has a name is one line of what and where; a defect of ours tells its stack', () => {
  const away = logged(new CoaxError('COAX_STORE_UNAVAILABLE', 'it is away', { where: 'db:5432' }));
  assert.deepEqual(
    [away.level, away.code, away.where, away.msg, away.err],
    [40, 'COAX_STORE_UNAVAILABLE', 'db:5432', 'old ones stay for now: it is away', undefined],
  );
  const defect = logged(new TypeError('x is not a function'));
  assert.equal(defect.msg, 'old ones stay for now: x is not a function');
  assert.match((defect.err as { stack: string }).stack, /TypeError/);
});
