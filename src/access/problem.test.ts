import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '../api/problem.ts';
import { errorOfProblem } from '../client/problem-error.ts';
import { CoaxError } from '../errors/coax-error.ts';
import { CODES, type ErrorCode } from '../errors/codes.ts';
import { bearerOf } from './admission/token.ts';
import { coaxErrorOf, problemOf, statusOfError } from './problem.ts';

test('every error of the table comes back from its problem as it went in', () => {
  for (const code of Object.keys(CODES) as ErrorCode[]) {
    const faults = [{ where: '/a', reason: 'b' }];
    const error = new CoaxError(code, 'a reason', {
      where: '/x',
      hint: 'do that',
      retryAfterMs: 5,
      faults,
      detail: { n: 1 },
    });
    const problem = Problem.parse(JSON.parse(JSON.stringify(problemOf(error, 'r-1'))));
    assert.equal(problem.status, statusOfError(error));
    const back = errorOfProblem(problem.status, problem, 'GET /x');
    assert.equal(back.code, code);
    assert.equal(back.exitStatus, error.exitStatus);
    assert.deepEqual([back.where, back.hint, back.retryAfterMs, back.faults], ['/x', 'do that', 5, faults]);
    if (error.kind === 'internal') assert.ok(!JSON.stringify(problem).includes('a reason'));
    else assert.deepEqual([back.reason, back.detail], ['a reason', { n: 1 }]);
  }
});

test('a quota that is free again by itself is asked for too soon; another one is used up', () => {
  const used = (retryAfterMs?: number): CoaxError =>
    new CoaxError('COAX_QUOTA_EXCEEDED', 'used up', retryAfterMs === undefined ? {} : { retryAfterMs });
  assert.equal(problemOf(used(5), 'r-1').status, 429);
  assert.equal(problemOf(used(), 'r-1').status, 409);
});

test('what is no problem of ours is told by its status', () => {
  assert.equal(errorOfProblem(502, null, 'GET /x').code, 'COAX_SERVER_UNREACHABLE');
  assert.equal(errorOfProblem(401, 'x', 'GET /x').code, 'COAX_AUTH_MISSING');
  assert.equal(
    errorOfProblem(418, { code: 'COAX_OF_TOMORROW', detail: 'tea' }, 'GET /x').reason,
    'COAX_OF_TOMORROW: tea',
  );
  assert.equal(coaxErrorOf(undefined).code, 'COAX_INTERNAL');
  assert.equal(coaxErrorOf(new RangeError('x')).code, 'COAX_INTERNAL');
});

test('a token is read only as it is', () => {
  assert.equal(bearerOf('Bearer coax_secret'), 'coax_secret');
  assert.equal(bearerOf('bearer coax_secret'), 'coax_secret');
  for (const wrong of [undefined, '', 'Bearer', 'Bearer a b', 'Basic eDp5', `Bearer ${'x'.repeat(600)}`]) {
    assert.equal(bearerOf(wrong), null);
  }
});
