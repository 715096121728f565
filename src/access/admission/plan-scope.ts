import { INSTALLATION_MODULES, modulesOf, TRUSTING_MODULES } from '../../cloud/owners.ts';
import { CoaxError } from '../../errors/coax-error.ts';
import { INSTALLATION, may } from '../../identity/principal.ts';
import type { Message, Parameters, Plan } from '../../message/message.ts';
import type { Services } from '../services.ts';
import type { Asking } from './access-to.ts';

/**
 * What a plan may do for somebody who may not operate the whole installation. Steps that reach into every project are not
 * for them; nor, in a plan of their own, are those that trust what the steps before them have found. `own`: it came with the
 * request rather than from a flow. Errors: COAX_FORBIDDEN.
 */
export function assertPlanAllowed(asking: Pick<Asking, 'principal'>, plan: Plan, own: boolean): void {
  if (may(asking.principal, 'operate', INSTALLATION)) return;
  const refused = modulesOf(plan.steps).find(
    module => INSTALLATION_MODULES.has(module) || (own && TRUSTING_MODULES.has(module)),
  );
  if (refused === undefined) return;
  throw new CoaxError(
    'COAX_FORBIDDEN',
    `steps of the module ${refused} are for operators of the installation`,
    {
      where: refused,
      hint: '`coax flow ls` lists flows; those that have such steps for a VM of your project may be run.',
    },
  );
}

/**
 * Refuses an edit of what steps have set, such as a guest's uuid, by somebody who may not operate the whole installation:
 * only what the flow itself asks for is theirs to change. Errors: COAX_FORBIDDEN.
 */
export async function assertEditAllowed(
  { store, flows }: Pick<Services, 'store' | 'flows'>,
  asking: Pick<Asking, 'principal'>,
  message: Message,
  edit: Parameters,
): Promise<void> {
  const names = Object.keys(edit);
  if (names.length === 0 || may(asking.principal, 'operate', INSTALLATION)) return;
  const trusting = modulesOf(message.plan.steps).some(module => TRUSTING_MODULES.has(module));
  if (!trusting) return;
  let root = message;
  while (root.parent !== null) {
    const above = await store.message(root.parent.msgid);
    if (above === null) break;
    root = above;
  }
  const asked = flows.find(root.flow)?.parameters ?? {};
  const refused = names.find(name => !Object.hasOwn(asked, name));
  if (refused === undefined) return;
  throw new CoaxError('COAX_FORBIDDEN', `the parameter ${refused} is set by steps, not by people`, {
    where: `/parameters/${refused}`,
    hint: 'An operator of the whole installation may change it.',
  });
}
