import websocket from '@fastify/websocket';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { pino } from 'pino';
import { viewText } from '../message/secret/sealed.ts';
import { assertProjectKnown, projectAskedFor } from './admission/access-to.ts';
import { admit } from './admission/admit.ts';
import type { App, RouteContext } from './app.ts';
import { consoleRoutes } from './console/console-routes.ts';
import { openApiDocument, registerOpenApi } from './describe/openapi.ts';
import { EventHub } from './events/event-hub.ts';
import { Holds } from './events/hold.ts';
import { tagAnswer } from './exchange/etag.ts';
import { onlyFields } from './exchange/fields.ts';
import { forgetKeysHourly } from './exchange/forget-keys.ts';
import { readJson } from './exchange/json-body.ts';
import { linkNext } from './exchange/link.ts';
import { answerBrokenRequest, ODD_REQUESTS, refuseOddRequests } from './exchange/odd-request.ts';
import { refuseOtherMethods } from './exchange/other-methods.ts';
import { keepAnswer, repeatAnswer } from './exchange/repeat.ts';
import { requestIdOf } from './exchange/request-id.ts';
import { healthRoutes } from './health/health-routes.ts';
import { Gate } from './limits/gate.ts';
import { type Limits, limitsOf } from './limits/limits.ts';
import { QueueBound } from './limits/queue-bound.ts';
import { SlowReaders } from './limits/slow-readers.ts';
import { linger } from './linger.ts';
import { type AccessServer, type AppEnds, listenOn } from './listen-on.ts';
import { logLater } from './log-fault.ts';
import { metricRoutes } from './metrics/metric-routes.ts';
import { answerError } from './problem.ts';
import { cgiRoutes } from './routes/cgi/cgi.ts';
import { agentRoutes } from './routes/fleet/agent.ts';
import { hostRoutes } from './routes/fleet/host.ts';
import { networkRoutes } from './routes/fleet/network.ts';
import { placementRoutes } from './routes/fleet/placement.ts';
import { quotaRoutes } from './routes/fleet/quota.ts';
import { serialRoutes } from './routes/fleet/serial.ts';
import { vmRoutes } from './routes/fleet/vm.ts';
import { accountRoutes } from './routes/identity/account.ts';
import { loginRoutes } from './routes/identity/login.ts';
import { loginSessionRoutes } from './routes/identity/login-session.ts';
import { projectRoutes } from './routes/identity/project.ts';
import { roleRoutes } from './routes/identity/role.ts';
import { sessionRoutes } from './routes/identity/session.ts';
import { ticketRoutes } from './routes/identity/ticket.ts';
import { tokenRoutes } from './routes/identity/token.ts';
import { commitRoutes } from './routes/messages/commit.ts';
import { decideManyRoute } from './routes/messages/decide-many.ts';
import { decisionRoutes } from './routes/messages/decision.ts';
import { eventRoutes } from './routes/messages/event.ts';
import { flowRoutes } from './routes/messages/flow.ts';
import { messageRoutes } from './routes/messages/message.ts';
import { stepRoutes } from './routes/messages/step.ts';
import { publishedRoutes } from './routes/packages/published.ts';
import { repositoryRoutes } from './routes/packages/repository.ts';
import { repositoryFileRoutes } from './routes/packages/repository-files.ts';
import { rolloutRoutes } from './routes/packages/rollout.ts';
import { secretKeyRoutes } from './routes/secrets/secret-key.ts';
import { archiveRoutes } from './routes/system/archive.ts';
import { channelRoutes } from './routes/system/channel.ts';
import { errorPages } from './routes/system/error-page.ts';
import { fsckRoutes } from './routes/system/fsck.ts';
import { systemRoutes } from './routes/system/system.ts';
import { webhookRoutes } from './routes/webhooks/webhook.ts';
import { SERIAL_PROTOCOL } from './serial/relay-socket.ts';
import { SerialReach } from './serial/serial-reach.ts';
import type { Services } from './services.ts';
import { trustedProxies } from './trusted-proxies.ts';
import { checkBySchema } from './validation.ts';
import { HttpWorkers } from './workers/http-workers.ts';

export interface AccessOptions {
  /** `HOST:PORT`, `[IPv6]:PORT` or `unix:/path`; port 0 takes a free one. */
  readonly listen: string;
  /** A proxy in front does TLS, so an address that is not loopback is allowed. */
  readonly allowRemote?: boolean;
  /** Folder of the built console; without it no page is served. */
  readonly console?: string;
  /** Where other servers on the store reach this one; where it listens if absent. */
  readonly peerUrl?: string;
  /** Where defects are written to; a pino on standard error that tells warnings if absent. */
  readonly log?: FastifyBaseLogger;
  /** Bounds of what clients may ask; the usual ones for what is absent. */
  readonly limits?: Partial<Limits>;
  /** Whose word on the client's address is taken: addresses and ranges of proxies. Nobody's if absent. */
  readonly trustProxy?: readonly string[];
}

/** So often it is looked for requests that come too slowly. */
const SLOW_LOOK_MS = 1000;
/** Held requests are answered within so long when the server closes. */
const LET_GO_MS = 5000;

/**
 * Opens the HTTP API. Errors: COAX_USAGE for an address that cannot be listened on, or one elsewhere without
 * `allowRemote`.
 */
export async function openAccess(services: Services, options: AccessOptions): Promise<AccessServer> {
  const log = options.log ?? pino({ level: 'warn' }, pino.destination(2));
  const limits = limitsOf(options.limits);
  const { app, serial, ...ends } = await makeApp(services, log, limits, options);
  const { listen, allowRemote = false } = options;
  const server = await listenOn(app, listen, allowRemote, ends, limits.connections);
  await serial.announce(options.peerUrl ?? server.url);
  return server;
}

/** The API without a socket: for the OpenAPI document. */
export async function makeApp(
  services: Services,
  log: FastifyBaseLogger,
  limits = limitsOf(),
  { console: consoleFolder, trustProxy = [] }: Pick<AccessOptions, 'console' | 'trustProxy'> = {},
): Promise<{ app: App; serial: SerialReach } & AppEnds> {
  const app = newApp(log, limits, trustProxy.length > 0 && trustedProxies(trustProxy));
  const gate = new Gate(limits);
  const slowReaders = new SlowReaders(app.server, limits['answer-seconds'] * 1000);
  const closing = new AbortController();
  app.decorateRequest('actor', '');
  app.decorateRequest('principal');
  app.decorateRequest('fromHost', null);
  app.decorateRequest('head', null);
  app.decorateRequest('keptUnder', null);
  app.addHook('onSend', (request, reply, _payload, done) => {
    // A connection that is kept would hold up the end of the server; one that was to become a WebSocket is cut after a refusal.
    if (closing.signal.aborted || request.ws) reply.header('connection', 'close');
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    done();
  });

  const hub = new EventHub(services.store);
  const context: RouteContext = {
    services,
    hub,
    httpWorkers: new HttpWorkers(() => services.workers.changed()),
    holds: new Holds({ closing: closing.signal, draining: services.health.draining }, limits.held, reply =>
      gate.held(reply),
    ),
    limits,
    queue: new QueueBound(services.store, limits.queued),
    closing: closing.signal,
    serial: new SerialReach(services),
  };
  await registerOpenApi(app, services.version);
  await app.register(websocket, {
    options: {
      maxPayload: 64 * 1024,
      handleProtocols: (protocols: Set<string>) => (protocols.has(SERIAL_PROTOCOL) ? SERIAL_PROTOCOL : false),
    },
  });
  await app.register(async scope => registerRoutes(scope as unknown as App, app, context, gate));
  healthRoutes(app, services.health);
  errorPages(app);
  documentRoute(app, gate);
  if (consoleFolder !== undefined) await consoleRoutes(app, consoleFolder);
  await app.ready();
  const endForgetting = forgetKeysHourly(services.store, error =>
    logLater(log, error, 'old idempotency keys stay for now'),
  );
  const forget = services.workers.add(() => context.httpWorkers.now(services.store.now()));
  const stop = async (): Promise<void> => {
    forget();
    endForgetting();
    slowReaders.close();
    closing.abort();
    hub.close();
    await context.serial.close();
    // Closing cuts connections whose answer has ended, though its last bytes may not have left yet.
    await context.holds.released(LET_GO_MS);
    await app.close();
  };
  const leave = (ms: number, ownsSocket: boolean): Promise<void> => {
    closing.abort();
    return linger(app.server, ms, ownsSocket);
  };
  return { app, serial: context.serial, stop, leave };
}

function documentRoute(app: App, gate: Gate): void {
  let document: string | null = null;
  const onRequest = async (request: FastifyRequest, reply: FastifyReply) => {
    gate.enter(request, reply);
    gate.admitNobody(request, reply);
  };
  app.get('/openapi.json', { schema: { hide: true }, onRequest }, (_request, reply) => {
    document ??= JSON.stringify(openApiDocument(app));
    return reply.type('application/json').send(document);
  });
}

/** Fastify with our own checks and our own errors, without a route. */
function newApp(
  log: FastifyBaseLogger,
  limits: Limits,
  trustProxy: false | ((address: string) => boolean),
): App {
  const app: App = Fastify({
    loggerInstance: log,
    trustProxy,
    logController: new LogController({ disableRequestLogging: true }),
    // What is logged of a request names it by itself; a logger for each would be made for nothing.
    childLoggerFactory: logger => logger,
    bodyLimit: limits['body-kib'] * 1024,
    // Receiving a request, not answering it: answers may be held for long.
    requestTimeout: limits['request-seconds'] * 1000,
    http: {
      headersTimeout: limits['header-seconds'] * 1000,
      maxHeaderSize: limits['header-kib'] * 1024,
      connectionsCheckingInterval: SLOW_LOOK_MS,
      ...ODD_REQUESTS,
    },
    keepAliveTimeout: 75_000,
    forceCloseConnections: 'idle',
    genReqId: requestIdOf,
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, request, reply) => answerError(error, request, reply),
    routerOptions: { maxParamLength: 300 },
  }).withTypeProvider<ZodTypeProvider>();
  // One more than is let through, so that too many are seen: Node leaves out those beyond.
  app.server.maxHeadersCount = limits.headers + 1;
  readJson(app, limits['body-depth']);
  refuseOddRequests(app);
  refuseOtherMethods(app);
  app.setValidatorCompiler(checkBySchema as never);
  // Answers are made by typed code; checking each again would cost as much as making it. The contract test does.
  app.setSerializerCompiler(() => viewText);
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
  return app;
}

function registerRoutes(scope: App, app: App, context: RouteContext, gate: Gate): void {
  const { actorOf } = context.services;
  scope.addHook('onRequest', (request, reply, done) => {
    gate.enter(request, reply);
    const asked = gate.admit(
      request,
      reply,
      () => admit(request, actorOf),
      () => request.actor || null,
    );
    return asked ?? done();
  });
  exchangeHooks(scope, context.services.store);
  scope.addHook('preHandler', (request, _reply, done) => {
    const wanted = projectAskedFor(request);
    return wanted === undefined ? done() : assertProjectKnown(context.services.identity.projects, wanted);
  });
  messageRoutes(scope, context);
  decisionRoutes(scope, context);
  decideManyRoute(scope, context);
  commitRoutes(scope, context);
  eventRoutes(scope, context);
  flowRoutes(scope, context);
  stepRoutes(scope, context);
  hostRoutes(scope, context);
  agentRoutes(scope, context);
  networkRoutes(scope, context);
  placementRoutes(scope, context);
  quotaRoutes(scope, context);
  vmRoutes(scope, context);
  serialRoutes(scope, context);
  fsckRoutes(scope, context);
  archiveRoutes(scope, context);
  secretKeyRoutes(scope, context);
  webhookRoutes(scope, context);
  publishedRoutes(scope, context);
  repositoryRoutes(scope, context);
  repositoryFileRoutes(scope, context);
  rolloutRoutes(scope, context);
  channelRoutes(scope, context);
  systemRoutes(scope, context);
  cgiRoutes(scope, app, context);
  metricRoutes(scope, context, gate.bodies);
  sessionRoutes(scope, context);
  loginRoutes(scope, context);
  ticketRoutes(scope, context);
  loginSessionRoutes(scope, context);
  projectRoutes(scope, context);
  tokenRoutes(scope, context);
  accountRoutes(scope, context);
  roleRoutes(scope, context);
}

/** The parts of an exchange that are the same for all routes. Where one has nothing to do, no promise is made for it. */
function exchangeHooks(scope: App, store: Services['store']): void {
  // A POST whose members may all be left out may leave out its body too.
  scope.addHook('preValidation', (request, _reply, done) => {
    if (request.method === 'POST' && request.body === undefined) request.body = {};
    done();
  });
  scope.addHook('preHandler', (request, reply, done) =>
    request.headers['idempotency-key'] === undefined ? done() : repeatAnswer(store, request, reply),
  );
  scope.addHook('preSerialization', (request, reply, payload, done) => {
    linkNext(request, reply, payload);
    done(null, onlyFields(request, payload));
  });
  scope.addHook('onSend', (request, reply, payload, done) =>
    request.keptUnder === null
      ? done(null, tagAnswer(request, reply, payload))
      : keepAnswer(store, request, reply, payload).then(() => tagAnswer(request, reply, payload)),
  );
}
