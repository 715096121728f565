/**
 * Executables as actions: a file `modules/NAME/ACTION`, in any language, is the action `NAME ACTION`.
 *
 * The contract, which docs/how-to/write-a-step.md explains with examples:
 *
 * - **Start.** Without a shell; in its own session and process group; working directory: the module's folder; no
 *   arguments; no descriptors but 0, 1, 2. A script needs a first line `#!…` and `chmod +x`. The same file does and
 *   undoes: COAX_MODE is `do` or `undo`.
 * - **Input.** One line of JSON on standard input, which need not be read:
 *   `{"msgid","step","attempt","key","fence","mode","host","parameters","output"}`. `host` is null without an `at`; `output` is
 *   what this step had set, and is `{}` unless it is being undone.
 * - **Environment.** Only PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin, LANG=C.UTF-8, COAX_MSGID,
 *   COAX_STEP, COAX_ATTEMPT (1 for the first), COAX_KEY (`msgid.step`, the idempotency key), COAX_FENCE (a number that
 *   grows with each worker that gets the message), COAX_MODE, COAX_HOST (if there is one), TRACEPARENT and TRACESTATE (if the
 *   message carries a trace) and, for each parameter, COAX_PARAM_<NAME>; in an undo also COAX_OUTPUT_<NAME> for what the step had
 *   set. <NAME> is in upper case, with `_` for all that is not A-Z, 0-9 or `_`. A string stands there as it is, any
 *   other value as JSON. Left out (they are in the input's JSON all the same): values with a NUL character, values over
 *   64 KiB, what goes over 1 MiB in all, and parameters whose variables would have the same name.
 * - **Result.** One JSON object on standard output, in UTF-8, 1 MiB at most; what it holds is set as parameters. Writing
 *   nothing means `{}`. An undo's output is not used, and may be anything.
 * - **Log.** Standard error, any amount; the last 4 KiB are kept with the commit.
 * - **Exit status.** 0: done. 75 (EX_TEMPFAIL, sysexits.h): failed, try again. Any other: failed for good. A failure is
 *   explained by `{"error": {"code": "…", "reason": "…", "detail": …, "retryAfterMs": …}}` on standard output (every
 *   member may be missing; the last one only with 75); without it, by the last line of standard error.
 * - **Limits.** At the step's timeout, at a cancel, and when the lease is lost, the whole group gets SIGTERM and 2 s
 *   later SIGKILL. module.yaml may limit memory, CPU time, descriptors, processes, CPUs and disks. What is left of the group when the
 *   program itself has ended is killed, with limits also what left the group: a service is not started this way.
 * - **Repetition.** Any attempt may be cut off at any point and be followed by another one or by an undo; an undo may
 *   come after a `do` that did nothing. Both must be safe to repeat. Only a `do` whose first attempt could not be started
 *   at all is not undone.
 *
 * | what happened | outcome | code |
 * | --- | --- | --- |
 * | exit 75 / another status | retryable / terminal | its own, or COAX_STEP_FAILED |
 * | ran out of time | retryable | COAX_STEP_TIMEOUT |
 * | a signal that Coax did not send (a crash, an operator) | retryable | COAX_STEP_KILLED |
 * | needed more memory than module.yaml gives it / than the machine had | terminal / retryable | COAX_STEP_MEMORY |
 * | called off: cancelled, or the lease was lost | retryable | COAX_STEP_CANCELLED |
 * | the process that started it died | retryable | COAX_STEP_LOST |
 * | not startable: missing, not executable, bad first line | terminal (retryable if the system was short of something) | COAX_STEP_START |
 * | output not one JSON object, not UTF-8, too large, or not as declared | terminal | COAX_STEP_OUTPUT |
 * | parameters not as declared in module.yaml | terminal | COAX_STEP_INPUT |
 * | undo of an action that module.yaml declares `irreversible` | terminal | COAX_STEP_IRREVERSIBLE |
 */
import { dirname } from 'node:path';
import { textOf } from '../errors/coax-error.ts';
import { runProcess } from '../linux/process/run-process.ts';
import { type StepOutcome, terminal } from '../message/outcome.ts';
import type { Action, StepCall } from './contract.ts';
import { environmentOf, inputOf } from './executable/input.ts';
import { type ActionDeclaration, checkDeclared } from './executable/module-file.ts';
import { notStarted, outcomeOf } from './executable/outcome.ts';
import { ProgramFile } from './executable/program-code.ts';

const STDOUT_MAX_BYTES = 1024 * 1024;
const LOG_MAX_BYTES = 4096;
const GRACE_MS = 2000;

/** The action that a file is. It need not exist or be executable yet: running it says what is wrong. Never throws. */
export function makeExecutable(
  module: string,
  name: string,
  file: string,
  declared: ActionDeclaration,
): Action {
  const program = new ProgramFile(file);
  return {
    module,
    name,
    kind: 'executable',
    get code() {
      return program.look().hash;
    },
    undoable: !declared.irreversible,
    about: declared.about,
    input: declared.input?.schema ?? null,
    output: declared.output?.schema ?? null,
    file,
    async run(call: StepCall): Promise<StepOutcome> {
      try {
        if (call.mode === 'rollback' && declared.irreversible)
          return terminal('COAX_STEP_IRREVERSIBLE', `${module} ${name} has no undo`);
        const { fault } = program.look();
        if (fault !== null) return notStarted(fault, call);
        return await runExecutable(file, declared, call);
      } catch (error) {
        return terminal('COAX_INTERNAL', textOf(error));
      }
    },
  };
}

async function runExecutable(
  file: string,
  declared: ActionDeclaration,
  call: StepCall,
): Promise<StepOutcome> {
  const given = checkDeclared(declared.input, call.parameters);
  // An undo gets what there is: it must not fail for what kept `do` from beginning.
  if ('fault' in given && call.mode === 'normal') return terminal('COAX_STEP_INPUT', given.fault);
  const input = inputOf(call, 'values' in given ? given.values : call.parameters);
  const end = await runProcess(
    {
      program: file,
      args: [],
      env: environmentOf(input, call.trace ?? null),
      cwd: dirname(file),
      input: `${JSON.stringify(input)}\n`,
      stdoutMaxBytes: STDOUT_MAX_BYTES,
      stderrTailBytes: LOG_MAX_BYTES,
      timeoutMs: call.timeoutMs,
      graceMs: GRACE_MS,
      ...(declared.limits && { limits: declared.limits }),
    },
    { signal: call.signal, onStderrLine: line => call.log(line) },
  );
  return outcomeOf(end, call, declared.output);
}
