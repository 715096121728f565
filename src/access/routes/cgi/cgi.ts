import type { IncomingHttpHeaders } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CgiList } from '../../../api/system.ts';
import { ListQuery } from '../../../api/value.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { admit, type Mark } from '../../admission/admit.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { pageInMemory } from '../../page.ts';
import { withStatus } from '../../problem.ts';
import type { Services } from '../../services.ts';
import { CGI_PREFIX, targetOf } from './cgi-request.ts';
import { ScriptServer } from './serve-script.ts';

/** A script that sends to a script that sends … */
const REDIRECTS_MAX = 10;
/** Who asks, and what the client understands, go along to where a script sends it on this server. */
const GO_ALONG = ['authorization', 'accept', 'accept-language', 'cookie', 'user-agent', 'host'];
const NOT_COPIED = new Set(['connection', 'keep-alive', 'transfer-encoding', 'date']);

/** CGI scripts at /cgi-bin/, where the server has a folder of them. */
export function cgiRoutes(scope: App, app: App, context: RouteContext): void {
  const { cgi = null } = context.services;
  scope.get(
    '/v1/cgi',
    {
      config: { needs: 'view', scope: 'installation' },
      schema: {
        operationId: 'cgiScripts',
        tags: ['server'],
        summary: 'The CGI scripts that are served at /cgi-bin/, and how',
        querystring: ListQuery,
        response: { 200: CgiList, ...PROBLEMS },
      },
    },
    async ({ query }) => {
      if (cgi === null) return { dir: null, running: 0, waiting: 0, items: [], faults: [] };
      const { folder } = cgi;
      const scripts = folder
        .list()
        .map(({ name, about, needs, timeoutMs, fault }) => ({ name, about, needs, timeoutMs, fault }));
      const page = await pageInMemory(
        { list: 'cgi', shape: 's', keyOf: ({ name }) => [name] },
        query,
        scripts,
      );
      const { running, waiting } = folder.slots;
      return { dir: folder.dir, running, waiting, ...page, faults: folder.faults() };
    },
  );
  if (cgi === null) return;
  const server = new ScriptServer(cgi.folder, context, cgi.dataDir);
  void scope.register(async inner => {
    // The body is the script's, whatever its type.
    inner.removeAllContentTypeParsers();
    inner.addContentTypeParser('*', (_request, _payload, done) => done(null));
    inner.route({
      method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      url: `${CGI_PREFIX}/*`,
      // Each script says who may ask for it.
      config: { streams: true, acts: true, markOf: request => markOf(server, request.raw.url ?? '/') },
      schema: { hide: true },
      handler: (request, reply) => serve({ server, app, actorOf: context.services.actorOf }, request, reply),
    });
  });
}

function markOf(server: ScriptServer, url: string): Mark {
  const target = targetOf(url);
  return target === null ? {} : server.markOf(target);
}

interface Serving {
  readonly server: ScriptServer;
  readonly app: App;
  readonly actorOf: Services['actorOf'];
}

async function serve(
  { server, app, actorOf }: Serving,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  let { method } = request;
  let url = request.raw.url ?? '/';
  let sentFrom: string | null = null;
  for (let hops = 0; hops <= REDIRECTS_MAX; hops++) {
    const target = targetOf(url);
    const mark = target === null ? null : server.markOf(target);
    // Where nobody has been asked who he is yet, the whole way in is to be gone.
    if (target === null || (request.actor === '' && mark?.opens !== 'anyone'))
      return answerFrom(app, request, reply, method, url);
    if (sentFrom !== null) await admit(request, actorOf, mark ?? {});
    const location: string | null = await server.serve({ request, reply, method, target, sentFrom });
    if (location === null) return;
    sentFrom = target.whole;
    url = location;
    method = method === 'HEAD' ? 'HEAD' : 'GET';
  }
  const reason = `scripts sent each other the request more than ${REDIRECTS_MAX} times`;
  throw withStatus(new CoaxError('COAX_CGI_FAILED', reason, { where: url }), 502);
}

/** The answer is what this server says to a GET elsewhere, to the same caller. */
async function answerFrom(
  app: App,
  request: FastifyRequest,
  reply: FastifyReply,
  method: string,
  url: string,
): Promise<void> {
  const headers: IncomingHttpHeaders = {};
  for (const name of GO_ALONG) if (request.headers[name] !== undefined) headers[name] = request.headers[name];
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const answer = await app.inject({
    method: method as 'GET',
    url,
    headers: headers as Record<string, string>,
    remoteAddress: request.ip || '127.0.0.1',
    payloadAsStream: true,
    signal: gone.signal,
  });
  reply.hijack();
  const { raw } = reply;
  raw.statusCode = answer.statusCode;
  for (const [name, value] of Object.entries(answer.headers))
    if (value !== undefined && !NOT_COPIED.has(name)) raw.setHeader(name, value);
  // A client that leaves midway is no fault.
  await pipeline(answer.stream(), raw).catch(() => raw.destroy());
}
