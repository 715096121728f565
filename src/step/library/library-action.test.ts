/** Functions of a real shared object, made here by gcc, as actions. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { closeSpawners } from '../../linux/process/run-process.ts';
import type { StepOutcome } from '../../message/outcome.ts';
import type { Action, StepCall } from '../contract.ts';
import { loadExecutables } from '../load-executables.ts';

const folder = mkdtempSync(join(tmpdir(), 'coax-library-'));
after(async () => {
  await closeSpawners();
  rmSync(folder, { recursive: true });
});

const CODE = `
extern int *__errno_location(void);
extern void exit(int), *malloc(unsigned long), abort(void);
extern int printf(const char *, ...), puts(const char *), snprintf(char *, unsigned long, const char *, ...);
extern unsigned long strlen(const char *);
long add(int a, long b) { return a + b; }
double half(double x) { return x / 2; }
unsigned long length(const char *text) { return strlen(text); }
const char *greet(void) { puts("not the answer"); return "hello"; }
int is_even(unsigned char n) { return n % 2 == 0; }
int label(const char *key, int n, char *out, unsigned long size) { return snprintf(out, size, "%s#%d", key, n); }
int refuse(int number) { *__errno_location() = number; return -1; }
int status(int code) { return code; }
int crash(int unused) { return *(volatile int *)(long)unused; }
int leave(int code) { printf("leaving\\n"); exit(code); }
int hang(void) { for (;;) ; }
long eat(long bytes) { char *room = malloc(bytes); if (room == 0) { abort(); } return 1; }
long biggest(void) { return 0x7fffffffffffffffL; }
int takes_pointer(void *p);
`;
const HEADER = `
#include <stdint.h>
long add(int a, long b); double half(double x); size_t length(const char *text);
const char *greet(void); int is_even(uint8_t n);
int label(const char *key, int n, char *out, size_t size);
int refuse(int number); int status(int code); int crash(int unused); int leave(int code); int hang(void);
long eat(long bytes); long biggest(void); int nowhere(void); int takes_pointer(void *p); int many(const char *form, ...); int unnamed(int);
`;
const YAML = `
library: ./libtried.so
header: ./tried.h
actions:
  add: {call: add, set: sum, undo: none}
  half: {call: half, set: halved}
  length: {call: length, set: bytes}
  greet: {call: greet, set: greeting}
  is_even: {call: is_even, set: even, fails: zero}
  label: {call: label, arguments: [{key: true}, n, {room: 32, set: label}, {value: 32}], undo: {call: status, arguments: [code], fails: nonzero}}
  refuse: {call: refuse}
  status: {call: status, fails: nonzero}
  crash: {call: crash}
  leave: {call: leave}
  hang: {call: hang}
  eat: {call: eat, limits: {memoryMib: 4096}}
  biggest: {call: biggest, set: big}
  nowhere: {call: nowhere}
`;

function moduleOf(yaml: string): ReturnType<typeof loadExecutables> {
  mkdirSync(join(folder, 'tried'), { recursive: true });
  writeFileSync(join(folder, 'tried/library.yaml'), yaml);
  return loadExecutables(folder);
}

mkdirSync(join(folder, 'tried'));
writeFileSync(join(folder, 'tried.c'), CODE);
writeFileSync(join(folder, 'tried/tried.h'), HEADER);
// -nostdlib: the compiler alone is wanted, not the headers and start files of libc.
execFileSync('gcc', [
  '-shared',
  '-fPIC',
  '-nostdlib',
  '-w',
  '-o',
  join(folder, 'tried/libtried.so'),
  join(folder, 'tried.c'),
]);
const { actions, faults } = moduleOf(YAML);
const action = (name: string): Action => actions.find(one => one.name === name)!;

function call(name: string, parameters: StepCall['parameters'] = {}, more: Partial<StepCall> = {}) {
  return action(name).run({
    ...{ msgid: 7, step: 1, attempt: 1, key: '7.1', fence: 3, mode: 'normal', parameters, output: {} },
    ...{ host: null, worker: 'test', timeoutMs: 60_000, signal: new AbortController().signal },
    log() {},
    detail() {},
    ...more,
  } as StepCall);
}

const setBy = (outcome: StepOutcome): unknown =>
  outcome.kind === 'ok' ? outcome.set : assert.fail(JSON.stringify(outcome));

function failureOf(outcome: StepOutcome): { kind: string; code: string; reason: string; log: string } {
  if (outcome.kind === 'ok') return assert.fail(JSON.stringify(outcome));
  const { code, reason, log = '' } = outcome.error;
  return { kind: outcome.kind, code, reason, log };
}

test('the header types what goes in and what comes out', async () => {
  assert.deepEqual(faults, []);
  assert.deepEqual(setBy(await call('add', { a: 2, b: 2 ** 40 })), { sum: 2 ** 40 + 2 });
  assert.deepEqual(setBy(await call('half', { x: 5 })), { halved: 2.5 });
  assert.deepEqual(setBy(await call('length', { text: 'grün' })), { bytes: 5 });
  assert.deepEqual(setBy(await call('is_even', { n: 4 })), { even: 1 });
  assert.deepEqual(setBy(await call('label', { n: 9 })), { label: '7.1#9' });
  assert.deepEqual(setBy(await call('biggest')), { big: '9223372036854775807' }, 'no digit is lost');
  assert.deepEqual(action('add').input, {
    type: 'object',
    properties: {
      a: { type: 'integer', minimum: -(2 ** 31), maximum: 2 ** 31 - 1 },
      b: { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
    },
    required: ['a', 'b'],
  });
  for (const [name, parameters] of [
    ['add', { a: 2 ** 31, b: 1 }],
    ['add', { a: 1 }],
    ['is_even', { n: 256 }],
    ['length', { text: 5 }],
    ['length', { text: 'a\0b' }],
  ] as const) {
    const refused = failureOf(await call(name, parameters));
    assert.deepEqual(
      [refused.kind, refused.code],
      ['terminal', 'COAX_STEP_INPUT'],
      JSON.stringify(parameters),
    );
  }
});

test('what a function prints is log, not answer', async () => {
  const outcome = await call('greet');
  assert.deepEqual(setBy(outcome), { greeting: 'hello' });
  assert.equal(outcome.kind === 'ok' && outcome.log, 'not the answer\n');
});

test('a result that means failure fails the step with its errno, to be tried again or not', async () => {
  const busy = failureOf(await call('refuse', { number: 16 }));
  assert.deepEqual(busy, { kind: 'retryable', code: 'EBUSY', reason: busy.reason, log: '' });
  assert.match(busy.reason, /^refuse gave -1: Device or resource busy$/);
  assert.equal(failureOf(await call('refuse', { number: 13 })).kind, 'terminal');
  const three = failureOf(await call('status', { code: 3 }));
  assert.deepEqual([three.kind, three.code, three.reason], ['terminal', 'COAX_STEP_FAILED', 'status gave 3']);
  assert.equal((await call('status', { code: 0 })).kind, 'ok');
  assert.equal(failureOf(await call('is_even', { n: 3 })).reason, 'is_even gave 0');
});

test('a crash, an exit, a hang and want of memory are outcomes of the step, and this process goes on', async () => {
  const crash = failureOf(await call('crash', { unused: 0 }));
  assert.deepEqual([crash.code, crash.reason], ['COAX_STEP_KILLED', 'crash was ended by SIGSEGV']);
  for (const code of [0, 3]) {
    const left = failureOf(await call('leave', { code }));
    assert.deepEqual([left.kind, left.code, left.log], ['terminal', 'COAX_STEP_FAILED', 'leaving\n']);
    assert.equal(left.reason, `leave ended its process with exit status ${code} instead of returning`);
  }
  const late = failureOf(await call('hang', {}, { timeoutMs: 1500 }));
  assert.deepEqual([late.kind, late.code], ['retryable', 'COAX_STEP_TIMEOUT']);
  assert.match(late.reason, /^hang ran longer than its 1500 ms/);
  const hungry = failureOf(await call('eat', { bytes: 2 ** 40 }));
  assert.deepEqual([hungry.code, hungry.reason], ['COAX_STEP_KILLED', 'eat was ended by SIGABRT']);
  const nowhere = failureOf(await call('nowhere'));
  assert.deepEqual([nowhere.kind, nowhere.code], ['terminal', 'COAX_STEP_START']);
  assert.match(nowhere.reason, /nowhere/);
  assert.deepEqual(readdirSync(join(folder, 'tried')).sort(), ['library.yaml', 'libtried.so', 'tried.h']);
});

test('a step is undone by another function, by nothing, or not at all', async () => {
  const back = { mode: 'rollback' } as const;
  assert.equal((await call('add', {}, back)).kind, 'ok');
  assert.equal(failureOf(await call('half', {}, back)).code, 'COAX_STEP_IRREVERSIBLE');
  assert.equal((await call('label', { code: 0 }, back)).kind, 'ok');
  assert.equal(failureOf(await call('label', {}, { ...back, output: { code: 4 } })).reason, 'status gave 4');
  assert.equal(failureOf(await call('label', {}, back)).reason, 'status needs code, which was never set');
});

test('the code of an action is that of its object and of what is declared', () => {
  const before = action('add').code;
  assert.match(before, /^[0-9a-f]{64}$/);
  const again = moduleOf(YAML.replace('set: sum', 'set: total')).actions.find(({ name }) => name === 'add')!;
  assert.notEqual(again.code, before);
  chmodSync(join(folder, 'tried/libtried.so'), 0o644);
  writeFileSync(join(folder, 'tried/libtried.so'), 'no object', { flag: 'a' });
  assert.notEqual(action('add').code, before);
});

test('a faulty library.yaml is one fault that says what is wrong', () => {
  const faultOf = (actions: string, head = 'library: ./libtried.so\nheader: ./tried.h'): string => {
    const { faults } = moduleOf(`${head}\nactions:\n  a: ${actions}\n`);
    assert.equal(faults.length, 1, JSON.stringify(faults));
    return faults[0]!.reason;
  };
  assert.match(faultOf('{call: none}'), /the header has no function none; it has add, half.*\/actions\/a/);
  assert.match(faultOf('{call: add, arguments: [a]}'), /add takes 2 arguments, not 1: long add/);
  assert.match(faultOf('{call: takes_pointer}'), /argument 1 of takes_pointer is a pointer/);
  assert.match(faultOf('{call: label}'), /argument 3 of label is written into: give it room/);
  assert.match(faultOf('{call: many}'), /many takes any number of arguments/);
  assert.match(faultOf('{call: unnamed}'), /the header names not all parameters of unnamed/);
  assert.match(faultOf('{call: add, fails: sometimes}'), /fails/);
  assert.match(faultOf('{call: add}', 'library: ./gone.so\nheader: ./tried.h'), /gone.so does not exist/);
  assert.match(faultOf('{call: add}', 'library: ./libtried.so\nheader: ./gone.h'), /gone.h/);
  // One of the system's own needs no file, and a header may stand in the file itself.
  const system = moduleOf(
    'library: libm.so.6\nheader: double cbrt(double x);\nactions: {cbrt: {call: cbrt, set: root}}',
  );
  assert.deepEqual([system.faults, system.actions.length], [[], 1]);
});
