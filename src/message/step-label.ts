import type { Step } from './message.ts';

/** A step as people and commits name it: `module action`, `all` or `each`. */
export function stepLabel(step: Step): string {
  if ('all' in step) return 'all';
  return 'each' in step ? 'each' : `${step.module} ${step.action}`;
}

/** Is that the label of a group? Those of actions have two words. */
export function isGroupLabel(label: string): boolean {
  return label === 'all' || label === 'each';
}
