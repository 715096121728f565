import { z } from 'zod';
import { CoaxError } from '../errors/coax-error.ts';
import type { Json } from '../message/message.ts';
import type { StepOutcome } from '../message/outcome.ts';
import type { Action } from './contract.ts';
import type { RecordedInput } from './executable/input.ts';

const TIMEOUT_MS = 120_000;

const json = z.json() as z.ZodType<Json>;
const recordedInputSchema = z.object({
  msgid: z.int().default(0),
  step: z.int().min(0).default(0),
  attempt: z.int().min(1).default(1),
  key: z.string().optional(),
  fence: z.int().min(0).default(0),
  mode: z.enum(['do', 'undo']).default('do'),
  host: z.string().nullable().default(null),
  parameters: z.record(z.string(), json).default({}),
  output: z.record(z.string(), json).default({}),
});

/** Reads a recorded input; whatever is missing gets a plain value. Throws COAX_STEP_INPUT with the place. */
export function readRecordedInput(value: unknown): RecordedInput {
  const read = recordedInputSchema.safeParse(value);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new CoaxError('COAX_STEP_INPUT', issue!.message, { where: `/${issue!.path.join('/')}` });
  }
  return { ...read.data, key: read.data.key ?? `${read.data.msgid}.${read.data.step}` };
}

/**
 * Runs an action once with a recorded input, outside any message: for `coax step run`. Nothing is stored. A transactional
 * action has no transaction here, so it cannot be run this way (COAX_STEP_INPUT).
 */
export async function runRecorded(
  action: Action,
  input: RecordedInput,
  options: { timeoutMs?: number; signal?: AbortSignal; onLog?: (line: string) => void } = {},
): Promise<{ outcome: StepOutcome; log: string[] }> {
  if (action.kind === 'transactional') {
    const reason = `${action.module} ${action.name} needs the store's transaction and cannot run alone`;
    throw new CoaxError('COAX_STEP_INPUT', reason, { hint: 'Run a flow that has this step.' });
  }
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const timeout = AbortSignal.timeout(timeoutMs);
  const log: string[] = [];
  const outcome = await action.run({
    ...input,
    mode: input.mode === 'do' ? 'normal' : 'rollback',
    worker: 'recorded',
    timeoutMs,
    signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
    log(line) {
      log.push(line);
      options.onLog?.(line);
    },
    detail() {},
  });
  return { outcome, log };
}
