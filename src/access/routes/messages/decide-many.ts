import type { FastifyRequest } from 'fastify';
import { type DecidedItem, type DecideMany, DecideManyAnswer, DecideManyBody } from '../../../api/message.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { parseSelector } from '../../../message/carried/selector.ts';
import type { Message, Status } from '../../../message/message.ts';
import { statusOf } from '../../../message/status.ts';
import { assertMay, assertProjectKnown, projectsToShow } from '../../admission/access-to.ts';
import { assertEditAllowed } from '../../admission/plan-scope.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { logFault } from '../../log-fault.ts';
import { coaxErrorOf, problemOf } from '../../problem.ts';
import { edited, stepIndex } from './decision.ts';

/** Messages that it can be decided about. Every fork is one of what has ended. */
const STANDS: Readonly<Record<DecideMany['verb'], readonly Status[]>> = {
  cancel: ['queued', 'running', 'waiting'],
  revert: ['done'],
  rewind: ['queued', 'running', 'waiting', 'done'],
  resolve: ['parked'],
  fork: ['rolled_back', 'done'],
};
/** Decisions under way at one time. */
const AT_ONCE = 8;

/** Decisions about many messages at once, told before they are made. */
export function decideManyRoute(app: App, context: RouteContext): void {
  app.post(
    '/v1/decisions',
    {
      config: { needs: 'operate', scope: 'project' },
      schema: {
        operationId: 'decideMany',
        tags: ['decisions'],
        summary: 'Decide about all messages of a flow or with labels; told first, done with `apply`',
        description:
          'Each message is decided about by itself: one that has moved on meanwhile, or is not yours to decide about, is `refused`, and the others are not held up.',
        body: DecideManyBody,
        response: { 200: DecideManyAnswer, ...PROBLEMS },
      },
    },
    async request => {
      const wish = request.body;
      assertBounded(wish);
      const found = await meant(context, request, wish);
      const more = found.length > wish.limit;
      if (more && wish.apply)
        throw invalid('/limit', `more than ${wish.limit} messages are meant, so none was touched`, {
          hint: 'Name fewer: another label, a status, a project; or raise the limit.',
        });
      const items = await eachOf(found.slice(0, wish.limit), message =>
        itemOf(context, request, wish, message),
      );
      return { applied: wish.apply, more, items };
    },
  );
}

function assertBounded({ verb, flow, selector, status, apply, reason }: DecideMany): void {
  if (flow === undefined && selector === undefined)
    throw invalid('/flow', 'neither a flow nor a selector says which messages are meant');
  if (status !== undefined && !STANDS[verb].includes(status))
    throw invalid('/status', `${verb} is for messages that are ${STANDS[verb].join(' or ')}, not ${status}`);
  if (apply && reason.trim() === '')
    throw invalid('/reason', 'a decision about many messages needs a reason', {
      hint: 'It stands in the ledger of each of them.',
    });
}

/** One more than the limit, if there are. What moves on between two looks is met once. */
async function meant(
  { services: { store, identity } }: RouteContext,
  request: FastifyRequest,
  { verb, project, flow, selector, status, limit }: DecideMany,
): Promise<Message[]> {
  if (project !== undefined) await assertProjectKnown(identity.projects, project);
  const found = new Map<number, Message>();
  // A done message is not started again by accident: whoever means that says so.
  const usual = verb === 'fork' ? STANDS.fork.slice(0, 1) : STANDS[verb];
  for (const one of status === undefined ? usual : [status]) {
    const page = await store.messages({
      status: one,
      ...(flow !== undefined && { flow }),
      ...(selector !== undefined && { selector: parseSelector(selector) }),
      ...projectsToShow(request, project),
      limit: limit + 1,
    });
    for (const message of page) found.set(message.msgid, message);
  }
  return [...found.values()].sort((a, b) => b.msgid - a.msgid);
}

async function eachOf<T>(messages: readonly Message[], work: (message: Message) => Promise<T>): Promise<T[]> {
  const items: T[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < messages.length; at = next++) items[at] = await work(messages[at]!);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return items;
}

async function itemOf(
  context: RouteContext,
  request: FastifyRequest,
  wish: DecideMany,
  message: Message,
): Promise<DecidedItem> {
  const { msgid, flow, project } = message;
  const { status } = statusOf(message, context.services.store.now());
  const item = { msgid, flow, project, status, made: null, error: null };
  try {
    const decide = await prepared(context, request, wish, message);
    const moved = await decide();
    if (!wish.apply) return { ...item, outcome: 'would' };
    return { ...item, outcome: 'done', made: moved.msgid === msgid ? null : moved.msgid };
  } catch (thrown) {
    const error = coaxErrorOf(thrown);
    logFault(error, thrown, request);
    return { ...item, outcome: 'refused', error: problemOf(error, request.id) };
  }
}

/** What it returns does it, or tries it when nothing is to be applied. */
async function prepared(
  { services }: RouteContext,
  request: FastifyRequest,
  wish: DecideMany,
  message: Message,
): Promise<() => Promise<Message>> {
  const { decisions, store } = services;
  const { msgid } = message;
  const by = { actor: request.actor, reason: wish.reason, trial: !wish.apply };
  assertMay(
    request,
    message.project,
    () => new CoaxError('COAX_MESSAGE_NOT_FOUND', `there is no message ${msgid}`),
  );
  if (wish.verb === 'cancel') return () => decisions.cancel(msgid, by);
  if (wish.verb === 'revert') return () => decisions.revert(msgid, by, wish.force);
  const edit = edited(services, message, wish.parameters);
  await assertEditAllowed(services, request, message, edit);
  if (wish.verb === 'resolve') return () => decisions.resolve(msgid, wish.how, edit, by);
  if (wish.verb === 'rewind') {
    const to = stepIndex(message, String(wish.to));
    return () => decisions.rewind(msgid, to, edit, by);
  }
  const [first] = await store.commits(msgid, { order: 'oldest', limit: 1 });
  if (first === undefined) throw new CoaxError('COAX_STORE_CORRUPT', `message ${msgid} has no commits`);
  return () => decisions.fork(first.id, edit, by);
}

const invalid = (where: string, reason: string, more: { hint?: string } = {}): CoaxError =>
  new CoaxError('COAX_MESSAGE_INVALID', reason, { where, ...more });
