import { CoaxError } from '../errors/coax-error.ts';
import type { ActionStep } from '../message/message.ts';
import { type StepOutcome, terminal } from '../message/outcome.ts';
import { inTime, type Timers } from '../store/timers.ts';

/** Milliseconds: a transactional action holds up every other writer. */
const TRANSACTION_MS = 10_000;

/** A transaction that is held open for too long fails the step rather than everybody. */
export function bounded(
  timers: Timers,
  run: StepOutcome | Promise<StepOutcome>,
  step: ActionStep,
): StepOutcome | Promise<StepOutcome> {
  if (!(run instanceof Promise)) return run;
  return new Promise((resolve, reject) => {
    const limit = Math.min(TRANSACTION_MS, step.timeoutMs);
    const stop = timers.after(limit, () => {
      resolve(
        terminal(
          'COAX_STEP_TIMEOUT',
          `${step.module} ${step.action} held its transaction open for ${limit} ms`,
        ),
      );
    });
    void run.then(
      outcome => {
        stop();
        resolve(outcome);
      },
      error => {
        stop();
        reject(error);
      },
    );
  });
}

/** The same for many calls together: who takes too long together is done alone. Errors: COAX_STEP_TIMEOUT. */
export function boundedTogether<T>(
  timers: Timers,
  work: Promise<T>,
  { module, action }: ActionStep,
): Promise<T> {
  const late = () => new CoaxError('COAX_STEP_TIMEOUT', `${module} ${action} held its transaction open`);
  return inTime(timers, TRANSACTION_MS, work, late);
}
