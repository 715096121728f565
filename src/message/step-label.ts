import type { Step } from './message.ts';

/** A step as people and commits name it: `module action`, `all` or `each`. */
export function stepLabel(step: Step): string {
  if ('all' in step) return 'all';
  return 'each' in step ? 'each' : `${step.module} ${step.action}`;
}
