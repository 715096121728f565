import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { EventPage, EventsQuery, type PackagesEventView, type WebhookEventView } from '../../../api/event.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import type { CommitEvent } from '../../../store/store.ts';
import { projectsToShow } from '../../admission/access-to.ts';
import { isStillAdmitted } from '../../admission/admit.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { type Heard, missedSince, notOurs, readHeard } from '../../events/missed-events.ts';
import { pollAll, pollMessage } from '../../events/poll-events.ts';
import { SseStream } from '../../events/sse-stream.ts';
import { logFault } from '../../log-fault.ts';
import { viewCommit, viewLite } from '../../message-view.ts';
import { coaxErrorOf } from '../../problem.ts';
import { findMessage } from './message.ts';

const HISTORY_PAGE = 200;
/** So often it is looked whether a stream may still go on. */
const ADMISSION_LOOK_MS = 15_000;

export function eventRoutes(app: App, context: RouteContext): void {
  app.get(
    '/v1/events',
    {
      config: { needs: 'view', scope: 'project', heeds: ['LastEventId'] },
      schema: {
        operationId: 'events',
        tags: ['messages'],
        summary: 'What happens, as server-sent events',
        description:
          'Event `commit` carries a CommitEvent. With `msgid` the whole history of that message comes first, from after `Last-Event-ID` (the seq of the last commit seen). Without it, events since then, from whichever server the id is; some may come twice when it is another one, and an event `gap` says when too many were missed. With `also=webhooks` an event `webhook` comes when one has changed, with `also=packages` an event `packages` when others are published; `also=webhooks,packages` has both. Event `end` says why the server closes. With `after` or `wait` the answer is JSON instead, with the same ids: what came after that one, or as soon as something comes.',
        querystring: EventsQuery,
        response: {
          200: {
            description: 'Events.',
            content: {
              'text/event-stream': { schema: z.string() },
              'application/json': { schema: EventPage },
            },
          },
          ...PROBLEMS,
        },
      },
    },
    async (request, reply) => {
      const { msgid, project, after, wait, also } = request.query;
      if (after !== undefined || wait !== undefined)
        return pollEvents(context, request, reply, request.query);
      const lastId = request.headers['last-event-id'];
      const id = lastId === undefined ? undefined : String(lastId);
      const [heard, seq] =
        msgid === undefined ? [readHeard(id, 'Last-Event-ID'), 0] : [null, readSeq(id, 'Last-Event-ID')];
      if (msgid !== undefined) await findMessage(context, request, msgid);
      const { projects } = projectsToShow(request, project);
      const closing = context.holds.hold(reply);
      const asked = msgid === undefined ? (also?.split(',') ?? []) : [];
      const followers = [
        ...(asked.includes('webhooks') ? [await webhooksFor(context, projects)] : []),
        ...(asked.includes('packages') && projects === undefined ? [await packagesFor(context)] : []),
      ];
      const stream = new SseStream(reply);
      for (const follow of followers) follow(stream);
      const end = (): void => stream.end('the server closes');
      closing.addEventListener('abort', end);
      // It may have come by a connection that was there before the server began to close.
      if (closing.aborted) {
        end();
        return reply;
      }
      endWithAdmission(context, request, stream);
      const following =
        msgid === undefined
          ? followAll(context, stream, heard, projects)
          : followMessage(context, stream, msgid, seq + 1);
      following.catch(error => {
        logFault(coaxErrorOf(error), error, request);
        stream.end('the server could not read the ledger');
      });
      return reply;
    },
  );
}

/** The same as JSON: for who cannot read a stream. */
async function pollEvents(
  context: RouteContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { msgid, project, after, wait = 0 }: z.infer<typeof EventsQuery>,
): Promise<EventPage> {
  const { hub, services } = context;
  const source = { hub, store: services.store };
  const heard = msgid === undefined ? readHeard(after, 'after') : null;
  const seq = msgid === undefined ? -1 : readSeq(after, 'after');
  if (msgid !== undefined) await findMessage(context, request, msgid);
  const { projects } = projectsToShow(request, project);
  const held = { ms: wait * 1000, signal: context.holds.hold(reply) };
  const page =
    msgid === undefined
      ? await pollAll(source, heard, event => shows(event, projects), held)
      : await pollMessage(source, msgid, seq, held);
  // Who was held for long may have lost the right to hear it.
  if (wait > 0 && !(await isStillAdmitted(request, services.actorOf)))
    throw new CoaxError('COAX_AUTH_MISSING', 'the token opens this no longer');
  return page;
}

/** Ends the stream of a token that was revoked or has expired, or whose roles no longer reach so far. */
function endWithAdmission({ services }: RouteContext, request: FastifyRequest, stream: SseStream): void {
  const look = async (): Promise<void> => {
    if (!(await isStillAdmitted(request, services.actorOf))) stream.end('the token opens this no longer');
  };
  // A store that is away says nothing; it is asked again.
  const timer = setInterval(() => void look().catch(() => {}), ADMISSION_LOOK_MS).unref();
  stream.closed.addEventListener('abort', () => clearInterval(timer));
}

/** The seq after which the stream of one message goes on; -1 for all of it. */
function readSeq(id: string | undefined, where: string): number {
  if (id === undefined || id === '') return -1;
  if (/^\d{1,15}$/.test(id)) return Number(id);
  throw notOurs(where);
}

/** Everything: pushed as it comes; a client that falls too far behind is let go, and comes back with its position. */
async function followAll(
  { hub, services: { store } }: RouteContext,
  stream: SseStream,
  heard: Heard | null,
  projects: Projects,
): Promise<void> {
  // What comes while the store is read waits for its turn.
  const early: [number, CommitEvent][] = [];
  let tell = (position: number, event: CommitEvent): void => void early.push([position, event]);
  const end = hub.onAny((position, event) => {
    if (stream.isTooSlow) {
      end();
      stream.end('too slow: come back with Last-Event-ID');
    } else if (shows(event, projects)) tell(position, event);
  });
  stream.closed.addEventListener('abort', end);
  if (heard !== null) {
    const missed = await missedSince(hub, store, heard);
    if (missed === null) stream.send('gap', GAP, hub.idNow());
    for (const { event, id } of missed?.told ?? [])
      if (shows(event, projects) && !stream.send('commit', hub.view(event), id)) await stream.drained();
  }
  const send = (position: number, event: CommitEvent): void =>
    void stream.send('commit', hub.view(event), hub.idOf(position));
  for (const [position, event] of early.splice(0)) send(position, event);
  tell = send;
}

/**
 * Beside everything else: which webhooks change. It listens before the answer begins, so who reads them then misses nothing after. These
 * have no id, and are not told again: who comes back reads them anew.
 */
function webhooksFor({ services }: RouteContext, projects: Projects): Promise<(stream: SseStream) => void> {
  return tell(services.webhooks.news, (stream, { id, project }) => {
    if (projects === undefined || projects.includes(project))
      stream.send('webhook', { id, project } satisfies WebhookEventView);
  });
}

/** The same of what is published, which is of the whole installation. */
function packagesFor({ services }: RouteContext): Promise<(stream: SseStream) => void> {
  return tell(services.packages.news, (stream, { version }) => {
    stream.send('packages', { version } satisfies PackagesEventView);
  });
}

async function tell<Note>(
  news: { hear(listener: (note: Note) => void): Promise<() => void> },
  send: (stream: SseStream, note: Note) => void,
): Promise<(stream: SseStream) => void> {
  let stream: SseStream | null = null;
  const end = await news.hear(note => {
    if (stream?.closed.aborted === false) send(stream, note);
  });
  return given => {
    stream = given;
    if (stream.closed.aborted) end();
    else stream.closed.addEventListener('abort', end);
  };
}

type Projects = readonly string[] | undefined;
const shows = ({ message, commits }: CommitEvent, projects: Projects): boolean =>
  commits.length > 0 && (projects === undefined || projects.includes(message.project));
const GAP = { reason: 'events since then can no longer be told one by one' };

/**
 * One message: always read from the ledger, from where the client is. Nothing gathers in memory for a client that reads
 * slowly: what it has not taken is still in the ledger.
 */
async function followMessage(
  { services: { store }, hub }: RouteContext,
  stream: SseStream,
  msgid: number,
  fromSeq: number,
): Promise<void> {
  let next = fromSeq;
  let news = Promise.withResolvers<void>();
  const end = hub.onMessage(msgid, () => news.resolve());
  const closed = () => news.resolve();
  stream.closed.addEventListener('abort', closed);
  try {
    while (!stream.closed.aborted) {
      news = Promise.withResolvers<void>();
      const commits = await store.commits(msgid, { order: 'oldest', fromSeq: next, limit: HISTORY_PAGE });
      if (commits.length > 0) {
        const message = await store.message(msgid);
        if (message === null) return stream.end('the message is gone');
        const views = commits.map(commit => viewCommit(commit, message.plan));
        const last = commits.at(-1)!.seq;
        stream.send('commit', { message: viewLite(message, store.now()), commits: views }, String(last));
        next = last + 1;
        await stream.drained();
      } else if (!stream.closed.aborted) await news.promise;
    }
  } finally {
    end();
    stream.closed.removeEventListener('abort', closed);
  }
}
