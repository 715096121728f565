import { isGroup, type Plan, type Step } from '../message/message.ts';
import type { FlowDefinition } from './flow.ts';

/** Hash (hex) of an action's code, or undefined if nobody here knows the action. */
export type CodeOf = (module: string, action: string) => string | undefined;

/** The plan that a message copies: the flow's steps with the hash of each one's code as it is now. */
export function planOf(flow: FlowDefinition, codeOf: CodeOf): Plan {
  return { steps: withCode(flow.steps, codeOf) };
}

function withCode(steps: readonly Step[], codeOf: CodeOf): readonly Step[] {
  return steps.map(step => {
    if (!isGroup(step)) {
      const code = codeOf(step.module, step.action);
      return code === undefined ? step : { ...step, code };
    }
    if ('all' in step)
      return { ...step, all: step.all.map(branch => ({ ...branch, steps: withCode(branch.steps, codeOf) })) };
    return { ...step, steps: withCode(step.steps, codeOf) };
  });
}
