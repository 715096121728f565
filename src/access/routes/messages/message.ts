import { z } from 'zod';
import { CommitPage, CommitsQuery } from '../../../api/commit.ts';
import {
  Counts,
  MessagePage,
  MessagesQuery,
  MessageView,
  ProjectQuery,
  SUBMIT_ITEMS_MAX,
  SubmitAnswer,
  SubmitBody,
  SubmitOne,
  WaitQuery,
  WhyView,
} from '../../../api/message.ts';
import { MsgidPath } from '../../../api/value.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { addressOf, hostOf } from '../../../message/address.ts';
import { parseSelector } from '../../../message/carried/selector.ts';
import { DEFAULT_PROJECT } from '../../../message/limits.ts';
import type { Message } from '../../../message/message.ts';
import { isResting } from '../../../message/status.ts';
import type { Submission } from '../../../store/store.ts';
import { type Asking, assertMay, projectsToShow } from '../../admission/access-to.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { waitMsOf } from '../../events/hold.ts';
import { answerMessage, answerNew } from '../../exchange/answer-message.ts';
import { idempotencyKeyOf } from '../../exchange/repeat.ts';
import { acceptedTrace } from '../../exchange/submit-span.ts';
import { viewCommit, viewMessage } from '../../message-view.ts';
import { commitsPage, cursorOf, readCursor } from '../../page.ts';
import { acceptOne, submissionOf, submitMany, submitterOf } from '../../submit.ts';
import { requestInvalid } from '../../validation.ts';
import { why } from '../../why.ts';
import { actionsOf } from '../../workers/unserved.ts';

const WHY_COMMITS = 200;

export function messageRoutes(app: App, context: RouteContext): void {
  submitRoute(app, context);
  readRoutes(app, context);
  ledgerRoutes(app, context);
  whyRoute(app, context);
}

function submitRoute(app: App, context: RouteContext): void {
  const { services } = context;

  app.post(
    '/v1/messages',
    {
      bodyLimit: context.limits['submit-kib'] * 1024,
      config: {
        needs: 'operate',
        scope: 'project',
        repeat: 'own',
        waits: true,
        heeds: ['Traceparent', 'Tracestate'],
      },
      // The body is checked by hand: the faults of an array name its lines.
      validatorCompiler: ({ schema, httpPart }) =>
        httpPart === 'body'
          ? value => ({ value })
          : value => ({ value: (schema as unknown as z.ZodType).parse(value) }),
      schema: {
        operationId: 'submit',
        tags: ['messages'],
        summary: 'Accept one message, or many: all of an array or none',
        description:
          'Durable when answered. Headers: `Idempotency-Key`, `Prefer: wait=SECONDS` (200 when the message rests in time). An array gives `{items}`.',
        body: SubmitBody,
        response: {
          200: z.union([MessageView, SubmitAnswer]),
          202: z.union([MessageView, SubmitAnswer]),
          ...PROBLEMS,
        },
      },
    },
    async (request, reply) => {
      const key = idempotencyKeyOf(request);
      const body: unknown = request.body;
      if (Array.isArray(body)) {
        if (body.length === 0 || body.length > SUBMIT_ITEMS_MAX) {
          throw new CoaxError('COAX_MESSAGE_INVALID', `an array holds 1 to ${SUBMIT_ITEMS_MAX} messages`, {
            where: '',
          });
        }
        const room = (of: readonly Submission[]) => context.queue.admitAll(of);
        const by = { ...submitterOf(request, acceptedTrace(request, `${body.length} messages`)), room };
        return reply.code(202).send({ items: await submitMany(services, body, by, key) });
      }
      const parsed = SubmitOne.safeParse(body);
      if (!parsed.success) throw requestInvalid(parsed.error);
      const one = parsed.data;
      const trace = acceptedTrace(request, 'flow' in one ? one.flow : (one.name ?? 'plan'));
      const submission = submissionOf(services, one, submitterOf(request, trace), key);
      const counting = context.queue.admit(submission.project ?? DEFAULT_PROJECT, 1);
      if (counting !== undefined) await counting;
      const since = context.hub.position;
      const { msgid, message } = await acceptOne(services, submission);
      return message === null
        ? answerMessage(context, request, reply, await findMessage(context, request, msgid))
        : answerNew(context, request, reply, message, since);
    },
  );
}

function readRoutes(app: App, context: RouteContext): void {
  const { services, hub } = context;
  const { store } = services;

  app.get(
    '/v1/messages',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'messages',
        tags: ['messages'],
        summary: 'Messages, newest first',
        querystring: MessagesQuery,
        response: { 200: MessagePage, ...PROBLEMS },
      },
    },
    async request => {
      const { status, flow, selector, project, approval, children, archived, limit, cursor } = request.query;
      const before = readCursor('m', cursor);
      const found = await store.messages({
        ...(status && { status }),
        ...(flow && { flow }),
        ...projectsToShow(request, project),
        ...(selector && { selector: parseSelector(selector) }),
        ...(before !== null && { before }),
        awaiting: approval,
        withChildren: children,
        archived,
        limit: limit + 1,
      });
      const shown = found.slice(0, limit);
      const items = await Promise.all(shown.map(message => viewMessage(services, message)));
      return found.length > limit ? { items, next: cursorOf('m', items.at(-1)!.msgid) } : { items };
    },
  );

  app.get(
    '/v1/messages/:msgid',
    {
      config: { needs: 'view', scope: 'project', waits: true },
      schema: {
        operationId: 'message',
        tags: ['messages'],
        summary: 'One message; with `wait`, as soon as it rests',
        params: MsgidPath,
        querystring: WaitQuery,
        response: { 200: MessageView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { msgid } = request.params;
      const waitMs = waitMsOf(request, request.query.wait);
      let message = await findMessage(context, request, msgid);
      if (waitMs > 0 && !isResting(message.phase)) {
        await hub.untilResting(msgid, waitMs, context.holds.hold(reply));
        message = await findMessage(context, request, msgid);
      }
      request.head = message.head;
      return viewMessage(services, message);
    },
  );
}

function ledgerRoutes(app: App, context: RouteContext): void {
  const { services } = context;
  const { store } = services;

  app.get(
    '/v1/counts',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'counts',
        tags: ['messages'],
        summary: 'How many messages have each status',
        querystring: ProjectQuery,
        response: { 200: Counts, ...PROBLEMS },
      },
    },
    async request => {
      const { projects } = projectsToShow(request, request.query.project);
      const [counts, approval] = await Promise.all([store.counts(projects), store.countAwaiting(projects)]);
      return { ...counts, approval };
    },
  );

  app.get(
    '/v1/messages/:msgid/commits',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'commits',
        tags: ['ledger'],
        summary: 'The commits of a message',
        params: MsgidPath,
        querystring: CommitsQuery,
        response: { 200: CommitPage, ...PROBLEMS },
      },
    },
    async request => {
      const { msgid } = request.params;
      const message = await findMessage(context, request, msgid);
      const { commits, next } = await commitsPage(store, msgid, request.query);
      const items = commits.map(commit => viewCommit(commit, message.plan));
      return next === undefined ? { items } : { items, next };
    },
  );
}

function whyRoute(app: App, context: RouteContext): void {
  const { services } = context;
  const { store } = services;

  app.get(
    '/v1/messages/:msgid/why',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'why',
        tags: ['messages'],
        summary: 'Why a message stands where it stands, and why its host was chosen',
        params: MsgidPath,
        response: { 200: WhyView, ...PROBLEMS },
      },
    },
    async request => {
      const { msgid } = request.params;
      const message = await findMessage(context, request, msgid);
      const newestFirst = await store.commits(msgid, { order: 'newest', limit: WHY_COMMITS });
      const children = message.phase === 'waiting' ? await store.children(msgid) : [];
      const living = (await services.workers.list()).filter(({ about }) => !about.draining);
      const served = new Set(living.flatMap(({ about }) => about.addresses));
      const known = new Set(living.flatMap(actionsOf));
      const address = addressOf(message, message.plan);
      const last = address === null ? null : await services.workers.lastSeen(address);
      const name = address === null ? null : hostOf(address);
      const host = name === null ? null : await services.cloud.hostState(name);
      return why({ message, newestFirst, children, served, known, last, host, now: store.now() });
    },
  );
}

/** The message, if the request may do with it what its route needs. Errors: COAX_MESSAGE_NOT_FOUND, COAX_FORBIDDEN. */
export async function findMessage(
  { services }: Pick<RouteContext, 'services'>,
  asking: Asking,
  msgid: number,
): Promise<Message> {
  const missing = () =>
    new CoaxError('COAX_MESSAGE_NOT_FOUND', `there is no message ${msgid}`, { where: String(msgid) });
  const message = await services.store.message(msgid);
  if (message === null) throw missing();
  assertMay(asking, message.project, missing);
  return message;
}
