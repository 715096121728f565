import { isGroup, type Json, type Parameters, type Step } from '../../message/message.ts';

/** What one VM of a flow would ask of its host. */
export interface Wish {
  /** With which `resource select_host` would be called. */
  readonly parameters: Parameters;
  /** Whether preemptible VMs may be removed for it: those of a gang, and places, remove nobody. */
  readonly preempts: boolean;
}

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
      return [{ parameters, preempts: true }];
    case 'placement select_hosts':
      return itemsOf(names).map(name => ({ parameters: { ...common, name }, preempts: false }));
    case 'placement reserve':
      return Array.from({ length: Number(count) }, () => ({
        parameters: { ...common, name: '' },
        preempts: false,
      }));
    default:
      return [];
  }
}

const itemsOf = (list: Json | undefined): readonly Json[] => (Array.isArray(list) ? list : []);
