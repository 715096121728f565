import { DEFAULT_PROJECT } from '../message/limits.ts';
import type { Plan } from '../message/message.ts';
import type { Tx } from '../store/tx.ts';
import { cloudTables } from './schema.ts';

/** Modules whose steps reach into every project: hosts, what stands on them, and what moves VMs between them. */
export const INSTALLATION_MODULES: ReadonlySet<string> = new Set([
  'host',
  'reconcile',
  'drain',
  'move',
  'package',
  'rollout',
]);
/**
 * Modules whose steps take on trust what the steps before them have found out, such as a guest's uuid: in a plan of one's own,
 * nobody has found it out.
 */
export const TRUSTING_MODULES: ReadonlySet<string> = new Set(['compute']);

/** Is this thing of that message one that `msgid` may work on: of its own project, or is its plan one for the installation? */
export async function mayWorkOn(tx: Pick<Tx, 'db'>, msgid: number, ofMsgid: number): Promise<boolean> {
  if (msgid === ofMsgid) return true;
  const [own, other] = [await projectOf(tx, msgid), await projectOf(tx, ofMsgid)];
  return own === other || (await isOfInstallation(tx, msgid));
}

/** Whose a message is. */
export async function projectOf({ db }: Pick<Tx, 'db'>, msgid: number): Promise<string> {
  const row = await cloudTables(db)
    .selectFrom('messages')
    .select('project')
    .where('msgid', '=', msgid)
    .executeTakeFirst();
  return row?.project ?? DEFAULT_PROJECT;
}

/** Does its plan, or one that it is a branch of, have a step that only operators of the installation may submit? */
async function isOfInstallation({ db }: Pick<Tx, 'db'>, msgid: number): Promise<boolean> {
  for (let at: number | null = msgid; at !== null; ) {
    const row: { parent_msgid: number | null; body: string } | undefined = await cloudTables(db)
      .selectFrom('messages')
      .innerJoin('plans', 'plans.hash', 'messages.plan')
      .select(['messages.parent_msgid', 'plans.body'])
      .where('messages.msgid', '=', at)
      .executeTakeFirst();
    if (row === undefined) return false;
    const plan = JSON.parse(row.body) as Plan;
    if (modulesOf(plan.steps).some(module => INSTALLATION_MODULES.has(module))) return true;
    at = row.parent_msgid === null ? null : Number(row.parent_msgid);
  }
  return false;
}

/** Modules of all steps, those in groups too. */
export function modulesOf(steps: Plan['steps']): string[] {
  return steps.flatMap(step => {
    if ('module' in step) return [step.module];
    return 'all' in step ? step.all.flatMap(branch => modulesOf(branch.steps)) : modulesOf(step.steps);
  });
}
