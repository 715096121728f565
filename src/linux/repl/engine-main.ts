/**
 * A process of its own in which what is typed is evaluated: a call that ends it ends nothing else. It is told over IPC what to do, one thing
 * at a time.
 */
import { inspect } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { LinuxError } from '../linux-error.ts';
import { readTable } from '../native/header/read-table.ts';
import { _IO, _IOR, _IOW, _IOWR, ioctlRequest } from '../native/ioctl.ts';
import { libc } from '../native/libc.ts';
import { type Library, openLibrary } from '../native/library.ts';
import { bytesAt, textAt } from '../native/pointers.ts';
import { flushStdout } from '../native/stdout.ts';
import { fieldsOf, struct } from '../native/structs.ts';
import { constants, functionTable, structTable } from '../native/tables.ts';
import { genericFamily } from '../netlink/generic.ts';
import { addresses, links, neighbours, routeChanges, routes } from '../netlink/route.ts';
import { processAccounts } from '../netlink/taskstats.ts';
import { cgroupsOf, cgroupUse } from '../procfs/cgroup.ts';
import { readDiskStats, readMachineMemory, readMachineStat } from '../procfs/machine.ts';
import { openFiles } from '../procfs/open-files.ts';
import { readPressure } from '../procfs/pressure.ts';
import { readProcessIo } from '../procfs/process-io.ts';
import { readArguments, readProcessStat, readSchedulerStat } from '../procfs/process-stat.ts';
import { readProcessStatus } from '../procfs/process-status.ts';
import { processIds, threadIds } from '../procfs/read-proc.ts';
import { readSmaps } from '../procfs/smaps.ts';
import { readRollup } from '../procfs/smaps-rollup.ts';
import type { Answer, Request } from './engine-words.ts';

/** Long enough that one call's time can be told, short enough not to be felt. */
const TIMED_MS = 200;
const loaded = new Map<string, ReturnType<typeof functionTable>>();

const load = (file: string, header: string): Library => {
  const table = readTable(header);
  loaded.set(file, table);
  return openLibrary(file, table);
};

/** Lists as arrays: at a prompt nobody wants to write a loop. */
const net = {
  links: () => Array.fromAsync(links()),
  addresses: () => Array.fromAsync(addresses()),
  routes: () => Array.fromAsync(routes()),
  neighbours: () => Array.fromAsync(neighbours()),
  processAccounts,
  family: genericFamily,
  /** What changes within so many seconds. */
  changes: (seconds: number) => Array.fromAsync(routeChanges(AbortSignal.timeout(1000 * seconds))),
};
const proc = {
  pids: processIds,
  threads: threadIds,
  stat: readProcessStat,
  status: readProcessStatus,
  arguments: readArguments,
  io: readProcessIo,
  scheduler: readSchedulerStat,
  memory: readRollup,
  mappings: readSmaps,
  files: openFiles,
  cgroups: cgroupsOf,
  cgroupUse,
  machine: readMachineStat,
  machineMemory: readMachineMemory,
  disks: readDiskStats,
  pressure: readPressure,
};
const memory = { struct, fields: fieldsOf, text: textAt, bytes: bytesAt, load };
const ioctls = { _IO, _IOR, _IOW, _IOWR, ioctlRequest };
const ofNode = { Buffer, console, performance, setTimeout, AbortSignal };
const own = { libc, C: constants(), ...memory, ...ioctls, net, proc, ...ofNode };
const context = createContext(Object.assign(Object.create(null), own));
for (const [name, value] of Object.entries(constants()))
  if (!(name in context)) Object.defineProperty(context, name, { value, configurable: true, writable: true });

const WAY = { filename: 'linux', breakOnSigint: true };

async function evaluate(code: string): Promise<Answer> {
  const value = await runInContext(code, context, WAY);
  flushStdout();
  return { kind: 'value', text: value === undefined ? '' : shown(value) };
}

async function time(code: string): Promise<Answer> {
  runInContext(code, context, WAY);
  const repeat = runInContext(
    `(count => { for (let turn = 0; turn < count; turn += 1) { ${code}; } })`,
    context,
  ) as (count: number) => void;
  for (let count = 1; ; count *= 4) {
    const began = performance.now();
    repeat(count);
    const tookMs = performance.now() - began;
    if (tookMs < TIMED_MS && count < 1e9) continue;
    flushStdout();
    return { kind: 'value', text: `${perCall(tookMs / count)} a call (${count.toLocaleString('en')} calls)` };
  }
}

function perCall(ms: number): string {
  if (ms >= 1) return `${ms.toPrecision(3)} ms`;
  return ms >= 1e-3 ? `${(1e3 * ms).toPrecision(3)} µs` : `${(1e6 * ms).toPrecision(3)} ns`;
}

function describe(name: string): Answer {
  const bare = name.replace(/^libc\./, '').replace(/^struct /, '');
  for (const table of [...loaded.values(), functionTable()]) {
    const row = table.get(bare);
    if (row) return { kind: 'function', text: row[0], name: bare };
  }
  const layout = structTable().get(`struct ${bare}`) ?? structTable().get(bare);
  if (layout) {
    const [size, ...fields] = layout;
    const lines = fields.map(([field, kind, offset, bytes]) => `  ${offset}\t${bytes}\t${field}  ${kind}`);
    return { kind: 'value', text: [`${bare}: ${size} bytes; offset, bytes, field`, ...lines].join('\n') };
  }
  const value = constants()[bare];
  if (value !== undefined)
    return {
      kind: 'value',
      text: `${bare} = ${value} (0x${BigInt.asUintN(64, BigInt(value)).toString(16)})`,
    };
  throw new LinuxError('ENOENT', `there is no function, struct or constant ${bare}`);
}

/** The object itself says nothing of types. */
const ON_TRUST =
  'These types are taken on trust: where one is wrong, a call can end the process that evaluates, and with it what was defined.';

function loadAs({ name, file, header }: Extract<Request, { kind: 'load' }>): Answer {
  const library = load(file, header);
  Object.defineProperty(context, name, { value: library, configurable: true, enumerable: true });
  const text = `${name}: ${Object.keys(library).join(', ')}\n${ON_TRUST}`;
  return { kind: 'value', text };
}

const LAST_WORD = /(?:(libc)\.)?([A-Za-z_]\w*)?$/;

function complete(line: string): Answer {
  const [, of, start = ''] = LAST_WORD.exec(line)!;
  const structStart = /struct\('(\w*)$/.exec(line)?.[1];
  const names = (all: Iterable<string>, begin: string): string[] =>
    [...all].filter(name => name.startsWith(begin)).sort();
  if (structStart !== undefined) {
    const all = [...structTable().keys()].map(name => name.replace('struct ', ''));
    return { kind: 'completions', names: names(all, structStart), start: structStart };
  }
  if (of) return { kind: 'completions', names: names(functionTable().keys(), start), start };
  if (start === '') return { kind: 'completions', names: [], start };
  const known = [...Object.keys(context), ...Object.keys(constants())];
  return { kind: 'completions', names: names(new Set(known), start), start };
}

const shown = (value: unknown): string =>
  typeof value === 'bigint'
    ? `${value}n (0x${BigInt.asUintN(64, value).toString(16)})`
    : inspect(value, {
        colors: process.env.COAX_COLORS === '1',
        depth: 4,
        maxArrayLength: 100,
        maxStringLength: 10_000,
      });

/** What is typed can be half of something: more lines may follow. */
const isUnfinished = (error: unknown): boolean =>
  error instanceof Error &&
  error.name === 'SyntaxError' &&
  /Unexpected end of input|Unterminated template/.test(error.message);

function refused(error: unknown): Answer {
  if ((error as { code?: unknown } | null)?.code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED')
    return { kind: 'error', text: 'interrupted', hint: '' };
  if (isUnfinished(error)) return { kind: 'unfinished' };
  if (error instanceof LinuxError) return { kind: 'error', text: error.message, hint: error.hint };
  if (!(error instanceof Error)) {
    // Errors that are made inside the context are of its own Error.
    const { name, message } = Object(error) as { name?: string; message?: string };
    if (name === 'SyntaxError' && /Unexpected end of input|Unterminated template/.test(String(message)))
      return { kind: 'unfinished' };
    return {
      kind: 'error',
      text: message === undefined ? `thrown: ${inspect(error)}` : `${name}: ${message}`,
      hint: '',
    };
  }
  return { kind: 'error', text: `${error.name}: ${error.message}`, hint: '' };
}

async function answer(request: Request): Promise<Answer> {
  try {
    switch (request.kind) {
      case 'evaluate':
        return await evaluate(request.code);
      case 'time':
        return await time(request.code);
      case 'describe':
        return describe(request.name);
      case 'complete':
        return complete(request.line);
      case 'load':
        return loadAs(request);
    }
  } catch (error) {
    return refused(error);
  }
}

process.on('message', (request: Request) => {
  void answer(request).then(given => process.send!(given));
});
process.on('disconnect', () => process.exit(0));
process.on('SIGINT', () => {});
