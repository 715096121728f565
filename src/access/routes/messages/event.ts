import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { EventsQuery } from '../../../api/event.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import type { CommitEvent } from '../../../store/store.ts';
import { projectsToShow } from '../../admission/access-to.ts';
import { isStillAdmitted } from '../../admission/admit.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
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
          'Event `commit` carries a CommitEvent. With `msgid` the whole history of that message comes first, from after `Last-Event-ID` (the seq of the last commit seen). Without it, events since then as far as the server keeps them; else an event `gap` says so. Event `end` says why the server closes.',
        querystring: EventsQuery,
        response: {
          200: { description: 'Events.', content: { 'text/event-stream': { schema: z.string() } } },
          ...PROBLEMS,
        },
      },
    },
    async (request, reply) => {
      const { msgid, project } = request.query;
      const lastId = request.headers['last-event-id'];
      const position = readPosition(lastId === undefined ? undefined : String(lastId), msgid !== undefined);
      if (msgid !== undefined) await findMessage(context, request, msgid);
      const { projects } = projectsToShow(request, project);
      const closing = context.holds.hold(reply);
      const stream = new SseStream(reply);
      const end = (): void => stream.end('the server closes');
      closing.addEventListener('abort', end);
      // It may have come by a connection that was there before the server began to close.
      if (closing.aborted) {
        end();
        return reply;
      }
      endWithAdmission(context, request, stream);
      if (msgid === undefined) followAll(context, stream, position, projects);
      else {
        followMessage(context, stream, msgid, position.number + 1).catch(error => {
          logFault(coaxErrorOf(error), error, request);
          stream.end('the server could not read the ledger');
        });
      }
      return reply;
    },
  );
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

interface Position {
  readonly epoch: string | null;
  readonly number: number;
}

function readPosition(id: string | undefined, ofMessage: boolean): Position {
  if (id === undefined || id === '') return { epoch: null, number: -1 };
  const match = ofMessage ? /^()(\d{1,15})$/.exec(id) : /^([0-9a-z]{1,16})-(\d{1,15})$/.exec(id);
  if (match === null) {
    throw new CoaxError('COAX_MESSAGE_INVALID', 'Last-Event-ID is none that this stream gave', {
      where: 'Last-Event-ID',
      hint: 'Leave it out to begin anew.',
    });
  }
  return { epoch: match[1]!, number: Number(match[2]) };
}

/** Everything: pushed as it comes; a client that falls too far behind is let go, and comes back with its position. */
function followAll(
  { hub }: RouteContext,
  stream: SseStream,
  { epoch, number }: Position,
  projects: readonly string[] | undefined,
): void {
  const shows = ({ message, commits }: CommitEvent): boolean =>
    commits.length > 0 && (projects === undefined || projects.includes(message.project));
  const idOf = (position: number) => `${hub.epoch}-${position}`;
  if (epoch !== null) {
    const missed = epoch === hub.epoch ? hub.since(number) : null;
    if (missed === null) {
      stream.send('gap', { reason: 'events since then are no longer kept here' }, idOf(hub.position));
    } else {
      missed.forEach((event, i) => {
        if (shows(event)) stream.send('commit', hub.view(event), idOf(number + i + 1));
      });
    }
  }
  const end = hub.onAny((position, event) => {
    if (stream.isTooSlow) {
      end();
      stream.end('too slow: come back with Last-Event-ID');
    } else if (shows(event)) stream.send('commit', hub.view(event), idOf(position));
  });
  stream.closed.addEventListener('abort', end);
}

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
