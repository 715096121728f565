import type { Step } from './message.ts';

const LABELS = new WeakMap<Step, string>();

/** A step as people and commits name it: `module action`, `all` or `each`. */
export function stepLabel(step: Step): string {
  let label = LABELS.get(step);
  if (label === undefined) {
    label = 'all' in step ? 'all' : 'each' in step ? 'each' : `${step.module} ${step.action}`;
    LABELS.set(step, label);
  }
  return label;
}

/** Is that the label of a group? Those of actions have two words. */
export function isGroupLabel(label: string): boolean {
  return label === 'all' || label === 'each';
}
