import type { SubmitItem, SubmitOne } from '../api/message.ts';
import { SubmitOne as SubmitOneSchema } from '../api/message.ts';
import { CoaxError, type Fault, isCoaxError } from '../errors/coax-error.ts';
import { didYouMean } from '../errors/nearest.ts';
import { checkParameters } from '../flow/check-parameters.ts';
import type { FlowDefinition } from '../flow/flow.ts';
import { planOf } from '../flow/plan-of.ts';
import { NO_LABELS, validateLabels } from '../message/carried/labels.ts';
import type { Trace } from '../message/carried/trace.ts';
import { DEFAULT_PROJECT, NAME } from '../message/limits.ts';
import { isGroup, type Plan, type Step } from '../message/message.ts';
import { publicUses } from '../message/secret/public-uses.ts';
import { validateParameters, validatePlan } from '../message/validate.ts';
import { secretNames } from '../secret/seal-given.ts';
import type { Catalogue } from '../step/contract.ts';
import type { Accepted, Submission } from '../store/store.ts';
import { type Asking, noProject, projectForNew } from './admission/access-to.ts';
import { assertPlanAllowed } from './admission/plan-scope.ts';
import { orForGood } from './limits/quota-for-good.ts';
import { problemOf } from './problem.ts';
import type { Services } from './services.ts';
import { requestInvalid } from './validation.ts';

type Needs = Pick<Services, 'store' | 'flows' | 'catalogue' | 'identity' | 'secrets'>;

/** Who submits, and into which project what names none, or another one, goes. */
export interface Submitter {
  readonly actor: string;
  readonly requestId: string;
  /** What the messages carry. */
  readonly trace: Trace | null;
  /** Errors: COAX_FORBIDDEN when such a plan is not for them; `own`: it came with the request. */
  allows(plan: Plan, own: boolean): void;
  /** Errors: COAX_NOT_FOUND, COAX_FORBIDDEN. */
  projectFor(wanted: string | undefined): string;
  /** Asked before any is accepted: is there room for them? Errors: COAX_RATE. */
  readonly room?: (submissions: readonly Submission[]) => Promise<void>;
}

export function submitterOf(
  request: Asking & { readonly actor: string; readonly id: string },
  trace: Trace | null,
): Submitter {
  const { actor, id } = request;
  return {
    actor,
    requestId: id,
    trace,
    projectFor: wanted => projectForNew(request, wanted),
    allows: (plan, own) => assertPlanAllowed(request, plan, own),
  };
}

/** Makes what the store accepts of one line of a request, or refuses it with JSON pointers into that line. */
export function submissionOf(
  services: Needs,
  one: SubmitOne,
  by: Omit<Submitter, 'requestId'>,
  headerKey?: string,
): Submission {
  const { actor, trace } = by;
  const project = by.projectFor(one.project);
  const idempotencyKey = headerKey ?? one.key;
  const key = idempotencyKey === undefined ? {} : { idempotencyKey };
  const once = onceOf({ project, ...key });
  const labels = under('/labels', () => validateLabels(one.labels ?? NO_LABELS));
  const more = { actor, project, labels, trace, ...key };
  if ('flow' in one) {
    const flow = findFlow(services, one.flow);
    const parameters = under('/parameters', () =>
      services.secrets.seal(checkParameters(flow, one.parameters ?? {}), flow.parameters, once),
    );
    const plan = planNow(flow, services.catalogue);
    by.allows(plan, false);
    return { flow: flow.name, plan, parameters, ...more };
  }
  const name = one.name ?? 'plan';
  if (!NAME.test(name)) {
    throw new CoaxError('COAX_MESSAGE_INVALID', `"${name}" cannot name a plan`, {
      where: '/name',
      hint: 'Small letters, digits, _ and -, a letter first.',
    });
  }
  const plan = under('/plan', () => validatePlan(one.plan));
  by.allows(plan, true);
  const secret = one.secret ?? [];
  refuseSecretAddresses(plan.steps, secret);
  const parameters = under('/parameters', () =>
    services.secrets.seal(validateParameters(one.parameters ?? {}), secretNames(secret), once),
  );
  return { flow: name, plan, planIsOwn: true, parameters, ...more };
}

/** What addresses a step or is done each for must be read by everybody. */
function refuseSecretAddresses(steps: readonly Step[], secret: readonly string[]): void {
  const [use] = publicUses(steps).filter(({ name }) => secret.includes(name));
  if (use === undefined) return;
  throw new CoaxError('COAX_MESSAGE_INVALID', `${use.name} cannot be secret: \`${use.by}\` reads it`, {
    where: '/secret',
  });
}

export function findFlow({ flows }: Pick<Services, 'flows'>, name: string): FlowDefinition {
  const flow = flows.find(name);
  if (flow !== null) return flow;
  const known = flows.list().map(flow => flow.name);
  throw new CoaxError('COAX_FLOW_NOT_FOUND', `there is no flow "${name}"${didYouMean(name, known)}`, {
    where: '/flow',
  });
}

/** All lines are made before any is accepted: one bad line refuses them all, with the faults of every bad one. */
export async function submitMany(
  services: Needs,
  lines: readonly unknown[],
  by: Submitter,
  headerKey?: string,
): Promise<SubmitItem[]> {
  const submissions: Submission[] = [];
  const faults: Fault[] = [];
  let first: CoaxError | null = null;
  let bad = 0;
  lines.forEach((line, i) => {
    try {
      const parsed = SubmitOneSchema.safeParse(line);
      if (!parsed.success) throw requestInvalid(parsed.error);
      const key = headerKey === undefined ? undefined : `${headerKey}/${i}`;
      submissions.push(submissionOf(services, parsed.data, by, key));
    } catch (error) {
      if (!(error instanceof CoaxError)) throw error;
      first ??= error;
      bad++;
      const own =
        error.faults.length > 0 ? error.faults : [{ where: error.where ?? '', reason: error.reason }];
      for (const fault of own)
        if (faults.length < 100) faults.push({ ...fault, where: `/${i}${fault.where}` });
    }
  });
  if (first !== null) {
    const { code, hint } = first as CoaxError;
    throw new CoaxError(
      code,
      `${bad} of ${lines.length} messages are wrong, so none was accepted; the first: ${faults[0]?.reason}`,
      {
        where: faults[0]?.where ?? '',
        hint,
        faults,
      },
    );
  }
  await by.room?.(submissions);
  return acceptAll(services, submissions, by.requestId);
}

/** What a request is told to be the same by; keys are each project's own. */
function onceOf({
  project = DEFAULT_PROJECT,
  idempotencyKey: key,
}: Pick<Submission, 'project' | 'idempotencyKey'>) {
  return key === undefined ? undefined : `${project}\n${key}`;
}

/** Accepts one. Errors: COAX_IDEMPOTENCY_CONFLICT, COAX_NOT_FOUND when there is no such project. */
export function acceptOne(
  services: Pick<Needs, 'store' | 'identity' | 'secrets'>,
  submission: Submission,
): Promise<Accepted> {
  const { project = DEFAULT_PROJECT, idempotencyKey } = submission;
  return project === DEFAULT_PROJECT && idempotencyKey === undefined
    ? only(services.store, submission)
    : acceptChecked(services, submission);
}

async function acceptChecked(
  { store, identity, secrets }: Pick<Needs, 'store' | 'identity' | 'secrets'>,
  submission: Submission,
): Promise<Accepted> {
  await assertProjects(identity, [submission]);
  const once = onceOf(submission);
  try {
    return await only(store, submission);
  } catch (error) {
    if (once === undefined || !isCoaxError(error, 'COAX_IDEMPOTENCY_CONFLICT')) throw error;
    // When it came first its secrets may have been sealed with an older key, or at another server.
    await secrets.learn();
    for (const older of secrets.resealed(submission.parameters, once)) {
      const accepted = await only(store, { ...submission, parameters: older }).catch(again => {
        if (!isCoaxError(again, 'COAX_IDEMPOTENCY_CONFLICT')) throw again;
        return null;
      });
      if (accepted !== null) return accepted;
    }
    throw error;
  }
}

async function only(store: Services['store'], submission: Submission): Promise<Accepted> {
  try {
    const [accepted] = await store.submit([submission]);
    return accepted!;
  } catch (error) {
    throw orForGood(error, [submission]);
  }
}

async function assertProjects(
  { projects }: Pick<Needs['identity'], 'projects'>,
  submissions: readonly Submission[],
): Promise<void> {
  if (submissions.every(({ project = DEFAULT_PROJECT }) => project === DEFAULT_PROJECT)) return;
  for (const name of new Set(submissions.map(({ project = DEFAULT_PROJECT }) => project)))
    if (name !== DEFAULT_PROJECT && !(await projects.exists(name))) throw noProject(name);
}

async function acceptAll(
  services: Needs,
  submissions: readonly Submission[],
  requestId: string,
): Promise<SubmitItem[]> {
  const { store, identity } = services;
  await assertProjects(identity, submissions);
  try {
    return (await store.submit(submissions)).map(({ msgid, created }) => ({ msgid, created }));
  } catch (error) {
    if (!isCoaxError(error, 'COAX_IDEMPOTENCY_CONFLICT')) throw orForGood(error, submissions);
  }
  // Some key was used for another body: one by one, each with an answer of its own.
  const items: SubmitItem[] = [];
  for (const submission of submissions) items.push(await itemOf(acceptOne(services, submission), requestId));
  return items;
}

async function itemOf(accepting: Promise<Accepted>, requestId: string): Promise<SubmitItem> {
  try {
    const { msgid, created } = await accepting;
    return { msgid, created };
  } catch (error) {
    if (!isCoaxError(error, 'COAX_IDEMPOTENCY_CONFLICT')) throw error;
    return { error: problemOf(error, requestId) };
  }
}

function under<T>(prefix: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof CoaxError)) throw error;
    const place = (where: string): string => prefix + (where === '/' ? '' : where);
    throw new CoaxError(error.code, error.reason, {
      where: place(error.where ?? ''),
      hint: error.hint,
      faults: error.faults.map(fault => ({ ...fault, where: place(fault.where) })),
      detail: error.detail,
    });
  }
}

const PLANS = new WeakMap<FlowDefinition, Plan>();

/** The flow's plan with the code as it is now; the same object as long as no code changes, which saves hashing it again. */
export function planNow(flow: FlowDefinition, catalogue: Catalogue): Plan {
  const kept = PLANS.get(flow);
  if (kept !== undefined && isCurrent(kept.steps, catalogue)) return kept;
  const plan = planOf(flow, (module, action) => catalogue.find(module, action)?.code);
  PLANS.set(flow, plan);
  return plan;
}

function isCurrent(steps: readonly Step[], catalogue: Catalogue): boolean {
  return steps.every(step => {
    if (!isGroup(step)) return catalogue.find(step.module, step.action)?.code === step.code;
    return 'all' in step
      ? step.all.every(branch => isCurrent(branch.steps, catalogue))
      : isCurrent(step.steps, catalogue);
  });
}
