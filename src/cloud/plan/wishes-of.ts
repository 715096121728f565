import { isGroup, type Json, type Parameters, type Step } from '../../message/message.ts';

/** What one VM of a flow would ask of its host: the parameters with which `resource select_host` would be called. */
export type Wish = Parameters;

/**
 * The VMs that a plan places, in order: one for each `resource select_host`, in branches too; each of a list for
 * `placement select_hosts`; each place of `placement reserve`. Steps that come before are taken to leave the parameters of
 * placement alone.
 */
export function wishesOf(steps: readonly Step[], parameters: Parameters): Wish[] {
  return steps.flatMap((step): Wish[] => {
    if (!isGroup(step)) return wishesOfAction(`${step.module} ${step.action}`, parameters);
    if ('all' in step) return step.all.flatMap(branch => wishesOf(branch.steps, parameters));
    return itemsOf(parameters[step.each]).flatMap(item =>
      wishesOf(step.steps, { ...parameters, [step.as]: item }),
    );
  });
}

function wishesOfAction(action: string, parameters: Parameters): Wish[] {
  const { names, count, ...common } = parameters;
  switch (action) {
    case 'resource select_host':
      return [parameters];
    case 'placement select_hosts':
      return itemsOf(names).map(name => ({ ...common, name }));
    case 'placement reserve':
      return Array.from({ length: Number(count) }, () => ({ ...common, name: '' }));
    default:
      return [];
  }
}

const itemsOf = (list: Json | undefined): readonly Json[] => (Array.isArray(list) ? list : []);
