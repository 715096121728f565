/**
 * Functions of a shared object as actions: `modules/NAME/library.yaml` names the object, its header, and which function each action calls.
 * Each call is made in a process of its own, run as an executable is: a crash, a hang or an exit in it is an outcome of the step. The
 * contract is in docs/how-to/call-a-library.md.
 */
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { textOf } from '../../errors/coax-error.ts';
import { callProgram } from '../../linux/native/call/call-program.ts';
import type { CallAnswer } from '../../linux/native/call/call-words.ts';
import type { ProcessEnd } from '../../linux/process/process-spec.ts';
import { runProcess } from '../../linux/process/run-process.ts';
import type { Json, Parameters } from '../../message/message.ts';
import { type StepOutcome, terminal } from '../../message/outcome.ts';
import type { Action, StepCall } from '../contract.ts';
import { environmentOf, inputOf } from '../executable/input.ts';
import { checkDeclared } from '../executable/module-file.ts';
import { outcomeOf } from '../executable/outcome.ts';
import { ProgramFile } from '../executable/program-code.ts';
import type { LibraryAction, LibraryCall, LibraryFile } from './library-file.ts';

const ANSWER_MAX_BYTES = 1024 * 1024;
const LOG_MAX_BYTES = 4096;
const GRACE_MS = 2000;

/** The action that one entry of `library.yaml` is. Never throws when it runs. */
export function makeLibraryAction(
  module: string,
  file: string,
  library: LibraryFile,
  action: LibraryAction,
): Action {
  const object = new ProgramFile(library.object);
  const declaration = JSON.stringify([library.object, library.header, action.do, action.undo, action.set]);
  return {
    module,
    name: action.name,
    kind: 'executable',
    get code() {
      return createHash('sha256').update(object.look().hash).update(declaration).digest('hex');
    },
    undoable: action.undo !== null,
    about: action.about,
    input: action.input.schema,
    output: null,
    file,
    async run(call: StepCall): Promise<StepOutcome> {
      try {
        if (call.mode === 'normal') return await runDo(file, library, action, call);
        if (action.undo === null)
          return terminal('COAX_STEP_IRREVERSIBLE', `${module} ${action.name} has no undo`);
        if (action.undo === 'none') return { kind: 'ok', set: {} };
        return await runUndo(file, library, action, action.undo, call);
      } catch (error) {
        return terminal('COAX_INTERNAL', textOf(error));
      }
    },
  };
}

async function runDo(
  file: string,
  library: LibraryFile,
  action: LibraryAction,
  call: StepCall,
): Promise<StepOutcome> {
  const given = checkDeclared(action.input, call.parameters);
  if ('fault' in given) return terminal('COAX_STEP_INPUT', given.fault);
  const made = await make(file, library, action, action.do, call, given.values);
  if (made.outcome !== null) return made.outcome;
  const set: Record<string, Json> = action.set === null ? {} : { [action.set]: made.answer.result };
  const rooms = action.do.sources.filter(source => typeof source === 'object' && 'room' in source);
  for (const [index, room] of rooms.entries())
    if (typeof room === 'object' && 'room' in room && room.set !== undefined)
      set[room.set] = made.answer.texts[index]!;
  return { kind: 'ok', set, detail: made.detail, ...made.log };
}

async function runUndo(
  file: string,
  library: LibraryFile,
  action: LibraryAction,
  undo: LibraryCall,
  call: StepCall,
): Promise<StepOutcome> {
  const values = { ...call.parameters, ...call.output };
  // What `do` would have set is not there when it never returned: what to undo is then for a person to say, unless the key does.
  const missing = undo.sources.find(source => typeof source === 'string' && !Object.hasOwn(values, source));
  if (missing !== undefined)
    return terminal('COAX_STEP_INPUT', `${undo.name} needs ${String(missing)}, which was never set`);
  const made = await make(file, library, action, undo, call, values);
  return made.outcome ?? { kind: 'ok', set: {}, detail: made.detail, ...made.log };
}

type Answer = Exclude<CallAnswer, { refused: unknown }>;
type Made =
  | { readonly outcome: StepOutcome }
  | {
      readonly outcome: null;
      readonly answer: Answer;
      readonly detail: { readonly [name: string]: Json };
      readonly log: { readonly log?: string };
    };

async function make(
  file: string,
  library: LibraryFile,
  action: LibraryAction,
  made: LibraryCall,
  call: StepCall,
  values: Parameters,
): Promise<Made> {
  const args = made.sources.map(source => {
    if (typeof source === 'string') return values[source] as string | number | boolean | null;
    if ('value' in source) return source.value;
    return 'key' in source ? call.key : { room: source.room };
  });
  const end = await runProcess(
    {
      ...callProgram({ file: library.object, name: made.name, row: made.row, args }),
      env: environmentOf(inputOf(call, values), call.trace ?? null),
      cwd: dirname(file),
      stdoutMaxBytes: ANSWER_MAX_BYTES,
      stderrTailBytes: LOG_MAX_BYTES,
      timeoutMs: call.timeoutMs,
      graceMs: GRACE_MS,
      ...(action.limits && { limits: action.limits }),
    },
    { signal: call.signal, onStderrLine: line => call.log(line) },
  );
  // People know the function; which program made the call is nothing to them.
  const named = { ...end, reason: end.reason.replace(process.execPath, made.name) };
  if (end.cause !== 'exit') return { outcome: outcomeOf(named, call, null) };
  return judged(named, made, call);
}

function judged(end: ProcessEnd, made: LibraryCall, call: StepCall): Made {
  const log = end.stderr === '' ? {} : { log: end.stderr };
  const answer = answerOf(end);
  if (answer === null) {
    const reason = `${made.name} ended its process with exit status ${end.code} instead of returning`;
    return { outcome: { kind: 'terminal', error: { code: 'COAX_STEP_FAILED', reason, ...log } } };
  }
  if ('refused' in answer) {
    const { code, reason } = answer.refused;
    const outcome = terminal(code === 'ENOENT' ? 'COAX_STEP_START' : 'COAX_STEP_INPUT', reason);
    if (outcome.kind === 'ok' || call.mode === 'rollback') return { outcome };
    return { outcome: { ...outcome, error: { ...outcome.error, begun: false } } };
  }
  const { result, errno, errnoName, errnoText } = answer;
  const detail = { result, errno: errnoName, wallMs: end.use.wallMs, cpuMs: end.use.cpuMs };
  if (!hasFailed(made, result, errno)) return { outcome: null, answer, detail, log };
  const reason = `${made.name} gave ${JSON.stringify(result)}${errno === 0 ? '' : `: ${errnoText}`}`;
  const kind = made.retry.includes(errnoName) ? 'retryable' : 'terminal';
  return { outcome: { kind, error: { code: errnoName || 'COAX_STEP_FAILED', reason, detail, ...log } } };
}

/** Null when the process ended before it wrote one. */
function answerOf({ code, stdout }: ProcessEnd): CallAnswer | null {
  if (code !== 0 || stdout.length === 0) return null;
  return JSON.parse(Buffer.from(stdout).toString('utf8')) as CallAnswer;
}

function hasFailed({ fails }: LibraryCall, result: Json, errno: number): boolean {
  switch (fails) {
    case 'errno':
      return (result === -1 || result === null) && errno !== 0;
    case 'nonzero':
      return result !== 0;
    case 'negative':
      return typeof result === 'number' && result < 0;
    case 'zero':
      return result === 0 || result === null || result === false;
    case 'never':
      return false;
  }
}
