import { isGroup, type Message } from '../message.ts';

/** The step that waits for a person: done when somebody approves, failed when somebody rejects. */
export const APPROVAL = { module: 'approval', action: 'give' } as const;

/** Its step was taken, and put off until a person decides. */
export function awaitsApproval({ phase, mode, attempt, plan, cursor }: Message): boolean {
  const step = plan.steps[cursor];
  if (phase !== 'open' || mode !== 'normal' || attempt === 0 || step === undefined || isGroup(step))
    return false;
  return step.module === APPROVAL.module && step.action === APPROVAL.action;
}
