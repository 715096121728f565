import {
  BlameList,
  BlameQuery,
  CommitPath,
  CommitShow,
  DiffQuery,
  DiffView,
  ForkBody,
} from '../../../api/commit.ts';
import { MessageView } from '../../../api/message.ts';
import { MsgidPath } from '../../../api/value.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { blame } from '../../../ledger/blame.ts';
import type { Commit } from '../../../ledger/commit.ts';
import { diffCommits, diffMessages } from '../../../ledger/diff.ts';
import type { Message } from '../../../message/message.ts';
import { chainOf } from '../../../store/chain.ts';
import { type Asking, maySee, projectsToShow } from '../../admission/access-to.ts';
import { assertEditAllowed } from '../../admission/plan-scope.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { answerMessage } from '../../exchange/answer-message.ts';
import { viewCommit } from '../../message-view.ts';
import { pageInMemory } from '../../page.ts';
import type { Services } from '../../services.ts';
import { edited } from './decision.ts';
import { findMessage } from './message.ts';

export function commitRoutes(app: App, context: RouteContext): void {
  showRoutes(app, context);
  forkRoute(app, context);
  diffRoute(app, context);
}

function showRoutes(app: App, context: RouteContext): void {
  const { services } = context;
  const { store } = services;

  app.get(
    '/v1/commits/:prefix',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'commit',
        tags: ['ledger'],
        summary: 'One commit, with the parameters before and after it',
        params: CommitPath,
        response: { 200: CommitShow, ...PROBLEMS },
      },
    },
    async request => {
      const { commit, message } = await findCommit(context, request, request.params.prefix);
      const { before, after } = await around(services, commit);
      return {
        commit: viewCommit(commit, message.plan),
        parameters: after,
        before,
        message: { msgid: message.msgid, flow: message.flow },
      };
    },
  );

  app.get(
    '/v1/messages/:msgid/blame',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'blame',
        tags: ['ledger'],
        summary: 'Which step, worker and code set each parameter',
        params: MsgidPath,
        querystring: BlameQuery,
        response: { 200: BlameList, ...PROBLEMS },
      },
    },
    async request => {
      const { name, ...query } = request.query;
      const { msgid } = await findMessage(context, request, request.params.msgid);
      const items = [...(await blame(chainOf(store, msgid), name))];
      if (items.length === 0 && name !== undefined) {
        throw new CoaxError('COAX_NOT_FOUND', `message ${msgid} has no parameter "${name}" now`, {
          where: 'name',
        });
      }
      return pageInMemory({ list: 'blame', shape: 's', keyOf: line => [line.name] }, query, items);
    },
  );
}

function forkRoute(app: App, context: RouteContext): void {
  const { decisions } = context.services;

  app.post(
    '/v1/commits/:prefix/fork',
    {
      config: { needs: 'operate', scope: 'project', waits: true },
      schema: {
        operationId: 'fork',
        tags: ['decisions'],
        summary: 'A new message from the state after a commit, with some parameters changed',
        params: CommitPath,
        body: ForkBody,
        response: { 200: MessageView, 202: MessageView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { parameters, reason } = request.body;
      const { commit, message } = await findCommit(context, request, request.params.prefix);
      const by = { actor: request.actor, reason };
      const edit = edited(context.services, message, parameters);
      await assertEditAllowed(context.services, request, message, edit);
      return answerMessage(context, request, reply, await decisions.fork(commit.id, edit, by));
    },
  );
}

function diffRoute(app: App, context: RouteContext): void {
  const { services } = context;
  const { store } = services;

  app.get(
    '/v1/diff',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'diff',
        tags: ['ledger'],
        summary: 'How two commits, or two messages, differ',
        querystring: DiffQuery,
        response: { 200: DiffView, ...PROBLEMS },
      },
    },
    async request => {
      const { a, b } = request.query;
      const [sideA, sideB] = await Promise.all([
        sideOf(context, request, a, 'a'),
        sideOf(context, request, b, 'b'),
      ]);
      if (typeof sideA === 'number' && typeof sideB === 'number') {
        const diff = await diffMessages(chainOf(store, sideA), chainOf(store, sideB));
        return { kind: 'messages', a: sideA, b: sideB, ...diff } as DiffView;
      }
      const [commitA, commitB] = await Promise.all([newestOf(services, sideA), newestOf(services, sideB)]);
      const [aroundA, aroundB] = await Promise.all([around(services, commitA), around(services, commitB)]);
      const diff = diffCommits(
        { commit: commitA, before: aroundA.before },
        { commit: commitB, before: aroundB.before },
      );
      return { kind: 'commits', ...diff } as unknown as DiffView;
    },
  );
}

/** Commits that are looked at for those which the request may see: others' do not make a prefix ambiguous. */
const ALIKE_MAX = 1000;

/**
 * The one commit of that prefix among those that the request may see. Errors: COAX_COMMIT_NOT_FOUND, COAX_COMMIT_AMBIGUOUS,
 * COAX_FORBIDDEN.
 */
async function findCommit(
  context: RouteContext,
  asking: Asking,
  prefix: string,
): Promise<{ commit: Commit; message: Message }> {
  const { store } = context.services;
  const all = projectsToShow(asking).projects === undefined;
  const alike = await store.commitsByPrefix(prefix.toLowerCase(), all ? 2 : ALIKE_MAX);
  const found: Commit[] = [];
  for (const commit of alike) {
    const message = all ? null : await store.message(commit.msgid);
    if (all || (message !== null && maySee(asking, message.project))) found.push(commit);
    if (found.length > 1) break;
  }
  if (found.length === 1) {
    const commit = found[0]!;
    return { commit, message: await findMessage(context, asking, commit.msgid) };
  }
  if (found.length === 0) {
    throw new CoaxError('COAX_COMMIT_NOT_FOUND', `there is no commit ${prefix}…`, { where: prefix });
  }
  throw new CoaxError('COAX_COMMIT_AMBIGUOUS', `several commits begin with ${prefix}`, {
    where: prefix,
    detail: { some: found.map(({ id, msgid, seq }) => ({ id, msgid, seq })) },
  });
}

/** A msgid stays a number; everything else is the start of a commit's id. */
async function sideOf(
  context: RouteContext,
  asking: Asking,
  text: string,
  where: string,
): Promise<Commit | number> {
  const { store } = context.services;
  const msgid = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : null;
  const message = msgid === null ? null : await store.message(msgid);
  if (message !== null && maySee(asking, message.project)) return message.msgid;
  if (/^[0-9a-fA-F]{4,64}$/.test(text)) return (await findCommit(context, asking, text)).commit;
  if (msgid !== null) await findMessage(context, asking, msgid);
  throw new CoaxError(
    'COAX_MESSAGE_INVALID',
    `"${text}" is neither a msgid nor 4 or more digits of a commit id`,
    {
      where,
    },
  );
}

/** Of a message, its newest commit. */
async function newestOf({ store }: Services, side: Commit | number): Promise<Commit> {
  if (typeof side !== 'number') return side;
  const [commit] = await store.commits(side, { order: 'newest', limit: 1 });
  if (commit === undefined) throw new CoaxError('COAX_STORE_CORRUPT', `message ${side} has no commits`);
  return commit;
}

async function around({ store }: Services, { msgid, seq }: Commit) {
  const [before, after] = await Promise.all([
    seq === 0 ? {} : store.parametersAt(msgid, seq - 1),
    store.parametersAt(msgid, seq),
  ]);
  return { before: before ?? {}, after: after ?? {} };
}
