import { isGroup, type Step } from '../message.ts';

/** Parameters that the server itself reads, so that they cannot be secret: where a step is done, what it is done for each of. */
export function publicUses(
  steps: readonly Step[],
  at = '/steps',
): { readonly name: string; readonly by: 'at' | 'each'; readonly where: string }[] {
  return steps.flatMap((step, index) => {
    const here = `${at}/${index}`;
    if (!isGroup(step))
      return step.at === undefined ? [] : [{ name: step.at, by: 'at' as const, where: `${here}/at` }];
    if ('all' in step)
      return step.all.flatMap((branch, i) => publicUses(branch.steps, `${here}/all/${i}/steps`));
    const own = { name: step.each, by: 'each' as const, where: `${here}/each` };
    return [own, ...publicUses(step.steps, `${here}/steps`)];
  });
}
