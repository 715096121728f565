import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import {
  ClaimAnswer,
  ClaimBody,
  type ClaimView,
  ExtendAnswerView,
  ExtendBody,
  FinishAnswerView,
  FinishBody,
  HelloAnswer,
  HelloBody,
  ReleaseAnswer,
  ReleaseBody,
  RevealAnswer,
  RevealBody,
  SESSION_CLAIMS,
  type SessionClaims,
  SessionQuery,
  WORKER_PROTOCOL,
} from '../../../api/channel.ts';
import { type Claim, UNKNOWN_AGAIN_MS } from '../../../channel/channel.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { addressOf, hostOf } from '../../../message/address.ts';
import { isGroup, type Message } from '../../../message/message.ts';
import type { StepOutcome } from '../../../message/outcome.ts';
import { outputOf, parametersOf, parametersToUndo } from '../../../message/parameters.ts';
import { sealedNames, withoutSealed } from '../../../message/secret/sealed.ts';
import { validateParameters } from '../../../message/validate.ts';
import { forbidden, isStillAdmitted } from '../../admission/admit.ts';
import {
  assertHeldBy,
  assertOwnAddresses,
  assertOwnMessage,
  assertOwnWorker,
  assertSendsNowhere,
} from '../../admission/host-scope.ts';
import { watchKey } from '../../admission/watch-key.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { SseStream } from '../../events/sse-stream.ts';
import { logFault } from '../../log-fault.ts';
import { coaxErrorOf } from '../../problem.ts';

/** A host that is lost asks again so soon. */
const LOST_WAIT_MS = 1000;

const FINISH_BYTES_MAX = 4 * 1024 * 1024;

/** The channel for workers elsewhere, in any language. Leases and fences protect it as they protect the server's own. */
export function channelRoutes(app: App, context: RouteContext): void {
  claimRoutes(app, context);
  finishRoutes(app, context);
  revealRoute(app, context);
  helloRoute(app, context);
  sessionRoute(app, context);
}

function claimRoutes(app: App, context: RouteContext): void {
  const { services, httpWorkers, holds } = context;
  const { store, channel } = services;

  app.post(
    '/v1/channel/claim',
    {
      config: { opens: 'host', needs: 'work', scope: 'installation' },
      schema: {
        operationId: 'claim',
        tags: ['worker protocol'],
        summary:
          'Take up to `limit` messages whose step is at one of these addresses; waits for work up to `waitMs`',
        body: ClaimBody,
        response: { 200: ClaimAnswer, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { body, fromHost: host } = request;
      assertOwnWorker(host, body.worker);
      assertOwnAddresses(host, body.addresses);
      services.health.refuseWhenDraining();
      httpWorkers.seen(body.worker, store.now(), body.addresses);
      const gone = holds.holdForWork(reply);
      // What is at a lost host is ended by the server, whoever still reports from there.
      if (await isLost(services, host)) {
        await sleep(Math.min(body.waitMs, LOST_WAIT_MS), undefined, { signal: gone }).catch(() => {});
        return { items: [] };
      }
      const claims = await channel.claim(body, gone);
      if (gone.aborted) {
        // Nobody hears the answer: the messages go back at once rather than at the end of their leases.
        if (claims.length > 0) await channel.release(claims, false);
        return { items: [] };
      }
      if (claims.length > 0 && !(await isStillAdmitted(request, services.actorOf))) {
        await channel.release(claims, false);
        throw new CoaxError('COAX_AUTH_MISSING', 'the session ended meanwhile');
      }
      if (claims.length > 0 && (await isLost(services, host))) {
        await channel.release(claims, false);
        return { items: [] };
      }
      httpWorkers.gave(body.worker, claims);
      return { items: claims.map(viewClaim) };
    },
  );

  app.post(
    '/v1/channel/extend',
    {
      config: { opens: 'host', needs: 'work', scope: 'installation' },
      schema: {
        operationId: 'extend',
        tags: ['worker protocol'],
        summary: 'Hold claims for longer, and hear of what people ask',
        body: ExtendBody,
        response: { 200: ExtendAnswerView, ...PROBLEMS },
      },
    },
    async ({ fromHost: host, body: { claims, leaseMs } }) => {
      await assertHeldBy(host, store, claims);
      return { items: [...(await channel.extend(claims, leaseMs))] };
    },
  );
}

const isLost = async ({ cloud }: RouteContext['services'], host: string | null): Promise<boolean> =>
  host !== null && (await cloud.hostState(host))?.state === 'lost';

function finishRoutes(app: App, context: RouteContext): void {
  const { services, httpWorkers } = context;
  const { store, channel } = services;

  app.post(
    '/v1/channel/finish',
    {
      bodyLimit: FINISH_BYTES_MAX,
      config: { opens: 'host', needs: 'work', scope: 'installation' },
      schema: {
        operationId: 'finish',
        tags: ['worker protocol'],
        summary: 'Tell what a step came to; durable when answered',
        body: FinishBody,
        response: { 200: FinishAnswerView, ...PROBLEMS },
      },
    },
    async ({ body, fromHost: host }) => {
      const { worker, msgid, fence, code, started, finished, keepAt, secret } = body;
      assertOwnAddresses(host, keepAt ?? []);
      const outcome = body.outcome as StepOutcome;
      if (outcome.kind === 'ok') validateParameters(outcome.set);
      const message = await store.message(msgid);
      const isHolder =
        message !== null && message.fence === fence && (worker ?? message.worker) === message.worker;
      if (message?.fence === fence) assertOwnMessage(host, message);
      if (!isHolder) return { kind: 'lost' as const };
      if (outcome.kind === 'ok') assertSendsNowhere(host, message, outcome.set);
      const claim: Claim = { msgid, fence, message, leaseUntil: message.leaseUntil ?? 0 };
      if (isUnknown(outcome)) {
        const isKnown = services.workers.isKnown(...actionOf(message));
        await channel.release([claim], false, UNKNOWN_AGAIN_MS[isKnown ? 'known' : 'unknown']);
        httpWorkers.took(msgid, fence);
        return { kind: 'lost' as const };
      }
      const keep = keepAt === undefined ? {} : { keepAt: new Set(keepAt) };
      const seal = secret === undefined ? {} : { secret: () => secret };
      const answer = await channel.finish({ claim, outcome, code, started, finished, ...keep, ...seal });
      httpWorkers.took(msgid, fence);
      if (answer.kind === 'lost') return answer;
      if (answer.claim !== null && message.worker !== null) httpWorkers.gave(message.worker, [answer.claim]);
      return {
        kind: 'written' as const,
        message: answer.message,
        claim: answer.claim && viewClaim(answer.claim),
      };
    },
  );

  app.post(
    '/v1/channel/release',
    {
      config: { opens: 'host', needs: 'work', scope: 'installation' },
      schema: {
        operationId: 'release',
        tags: ['worker protocol'],
        summary: 'Give claims back without doing their steps',
        body: ReleaseBody,
        response: { 200: ReleaseAnswer, ...PROBLEMS },
      },
    },
    async ({ fromHost: host, body: { claims, begun, afterMs } }) => {
      await assertHeldBy(host, store, claims);
      await channel.release(claims, begun, afterMs);
      for (const { msgid, fence } of claims) httpWorkers.took(msgid, fence);
      return { ok: true as const };
    },
  );
}

/** The one way by which a secret leaves the server: to the worker that holds the step, by the names that it reads. */
function revealRoute(app: App, { services: { store, channel } }: RouteContext): void {
  app.post(
    '/v1/channel/reveal',
    {
      config: { opens: 'host', needs: 'work', scope: 'installation' },
      schema: {
        operationId: 'reveal',
        tags: ['worker protocol'],
        summary: 'Open the secrets that the step of a claim reads',
        body: RevealBody,
        response: { 200: RevealAnswer, ...PROBLEMS },
      },
    },
    async ({ body: { worker, msgid, fence, names }, fromHost: host }, reply) => {
      assertOwnWorker(host, worker);
      const message = await store.message(msgid);
      if (message === null || message.fence !== fence || message.worker !== worker)
        return { kind: 'lost' as const };
      assertOwnMessage(host, message);
      const claim: Claim = { msgid, fence, message, leaseUntil: message.leaseUntil ?? 0 };
      const revealed = await channel.reveal(claim, names);
      reply.header('cache-control', 'no-store');
      return revealed === null ? { kind: 'lost' as const } : { kind: 'open' as const, ...revealed };
    },
  );
}

function helloRoute(app: App, { services, httpWorkers }: RouteContext): void {
  app.post(
    '/v1/channel/hello',
    {
      config: { opens: 'host', needs: 'work', scope: 'installation' },
      schema: {
        operationId: 'hello',
        tags: ['worker protocol'],
        summary: 'Tell who the worker is and what code it has; may be told again',
        body: HelloBody,
        response: { 200: HelloAnswer, ...PROBLEMS },
      },
    },
    async ({ body, fromHost: host }) => {
      assertOwnWorker(host, body.worker);
      if (host !== null && (body.host ?? host) !== host) throw forbidden(host, `it is not ${body.host}`);
      httpWorkers.hello(body, services.store.now());
      return { protocol: WORKER_PROTOCOL, server: services.name, version: services.version } as const;
    },
  );
}

function sessionRoute(app: App, context: RouteContext): void {
  const { services, httpWorkers, holds } = context;
  const { store, channel } = services;

  app.get(
    '/v1/channel/session',
    {
      config: { opens: 'host', needs: 'work', scope: 'installation', heeds: ['CoaxClaims'] },
      schema: {
        operationId: 'session',
        tags: ['worker protocol'],
        summary: 'Held open while the worker lives; when it closes, its claims are given back at once',
        description:
          'Event `ask` carries an AskEvent: a person asked something of a message that this worker holds.',
        querystring: SessionQuery,
        response: {
          200: { description: 'Events.', content: { 'text/event-stream': { schema: z.string() } } },
          ...PROBLEMS,
        },
      },
    },
    async (request, reply) => {
      const { worker } = request.query;
      const host = request.fromHost;
      assertOwnWorker(host, worker);
      const closing = holds.hold(reply);
      await loseFormerClaims(context, worker, request.headers[SESSION_CLAIMS]);
      httpWorkers.sessionBegins(worker, store.now());
      // Before it claims: a server that it comes from and that sees its end only now is not to take its claims away.
      await services.workers.told();
      const stream = new SseStream(reply);
      const end = channel.onAsk(worker, msgid => stream.send('ask', { msgid }));
      stream.send('open', { worker, protocol: WORKER_PROTOCOL });
      closing.addEventListener('abort', () => stream.end('the server closes'));
      if (closing.aborted) stream.end('the server closes');
      const endWatch = host === null ? () => {} : await watchKey(services.agents, host, () => stream.cut());
      const over = () => {
        end();
        endWatch();
        if (!httpWorkers.sessionEnds(worker) || context.closing.aborted) return;
        loseClaims(context, worker).catch(error => logFault(coaxErrorOf(error), error, request));
      };
      if (stream.closed.aborted) over();
      else stream.closed.addEventListener('abort', over);
      return reply;
    },
  );
}

/** The last session of a worker here is over: it is dead, unless it has one with another server by now. */
async function loseClaims({ services }: RouteContext, worker: string): Promise<void> {
  const known = (await services.workers.list()).find(({ name }) => name === worker);
  const isElsewhere = known?.process !== services.name && known?.about.session === true;
  if (!isElsewhere) await services.store.releaseWorker(worker);
}

/**
 * A worker opens a session. `told`: what it says became of the claims of the one before. If it says nothing and comes from another
 * server, with which it has no session any more, it has lost what it held.
 */
async function loseFormerClaims({ services }: RouteContext, worker: string, told: unknown): Promise<void> {
  if (told === ('kept' satisfies SessionClaims)) return;
  const known = (await services.workers.list()).find(({ name }) => name === worker);
  const isFromElsewhere =
    known !== undefined && known.about.role === 'http' && known.process !== services.name;
  if (isFromElsewhere || told === ('lost' satisfies SessionClaims))
    await services.store.releaseWorker(worker);
}

/** A claim with all that its step may know, so that a worker in another language need not read plans. */
function viewClaim({ msgid, fence, leaseUntil, message }: Claim): ClaimView {
  return { msgid, fence, leaseUntil, step: viewStepCall(message), message };
}

function viewStepCall(message: Message): ClaimView['step'] {
  const step = message.plan.steps[message.cursor];
  if (step === undefined || isGroup(step)) return null;
  const address = addressOf(message, message.plan);
  const undoing = message.mode === 'rollback';
  const parameters = undoing ? parametersToUndo(message, message.cursor) : parametersOf(message);
  return {
    index: message.cursor,
    module: step.module,
    action: step.action,
    mode: message.mode,
    attempt: message.attempt + 1,
    key: `${message.msgid}.${message.cursor}`,
    host: address === null ? null : hostOf(address),
    timeoutMs: step.timeoutMs,
    parameters: withoutSealed(parameters),
    output: withoutSealed(undoing ? outputOf(message, message.cursor) : {}),
    secrets: [...sealedNames(parameters)],
    traceparent: message.trace?.traceparent ?? null,
    tracestate: message.trace?.tracestate ?? null,
  };
}

function isUnknown(outcome: StepOutcome): boolean {
  return outcome.kind === 'retryable' && outcome.error.code === 'COAX_MODULE_UNKNOWN';
}

function actionOf({ plan, cursor }: Message): [module: string, action: string] {
  const step = plan.steps[cursor];
  return step === undefined || isGroup(step) ? ['', ''] : [step.module, step.action];
}
