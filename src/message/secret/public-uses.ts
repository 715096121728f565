import { toleranceParameter } from '../group/tolerance.ts';
import { isGroup, type Step } from '../message.ts';

/**
 * Parameters that the server itself reads, so that they cannot be secret: where a step is done, what it is done for each of,
 * how many branches may fail.
 */
export function publicUses(
  steps: readonly Step[],
  at = '/steps',
): { readonly name: string; readonly by: 'at' | 'each' | 'tolerate'; readonly where: string }[] {
  return steps.flatMap((step, index) => {
    const here = `${at}/${index}`;
    if (!isGroup(step))
      return step.at === undefined ? [] : [{ name: step.at, by: 'at' as const, where: `${here}/at` }];
    const name = toleranceParameter(step);
    const tolerance = name === null ? [] : [{ name, by: 'tolerate' as const, where: `${here}/tolerate` }];
    if ('all' in step) {
      const branches = step.all.flatMap((branch, i) => publicUses(branch.steps, `${here}/all/${i}/steps`));
      return [...tolerance, ...branches];
    }
    const own = { name: step.each, by: 'each' as const, where: `${here}/each` };
    return [own, ...tolerance, ...publicUses(step.steps, `${here}/steps`)];
  });
}
