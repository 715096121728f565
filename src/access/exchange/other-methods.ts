import type { FastifyReply, FastifyRequest } from 'fastify';
import { CoaxError } from '../../errors/coax-error.ts';
import type { App } from '../app.ts';
import { answerError, withStatus } from '../problem.ts';

/** Takes what is at no other path: no path has its methods. */
const ANYWHERE = '/*';

/** The methods of each path, of `:name` and `*` as routes are written. */
type Methods = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * What no operation takes. A path that has operations, but none by that method, answers 405 with those that it has in `Allow`
 * (RFC 9110, 15.5.6), before anything of a body is read; `OPTIONS` is answered 204 with the same (9.3.7). It names no origin, so that a
 * browser lets no page of elsewhere in. Everything else is not there. To be called before the routes are made.
 */
export function refuseOtherMethods(app: App): void {
  const known = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ method, url }) => {
    if (url === ANYWHERE) return;
    const methods = known.get(url) ?? new Set();
    known.set(url, methods);
    for (const one of [method].flat()) methods.add(one);
  });
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.is404 || !answerOther(known, request, reply)) done();
  });
  app.setNotFoundHandler((request, reply) => {
    if (answerOther(known, request, reply)) return;
    const where = `${request.method} ${pathOf(request)}`;
    const hint = 'GET /openapi.json lists every operation.';
    answerError(new CoaxError('COAX_NOT_FOUND', `there is no operation ${where}`, { hint }), request, reply);
  });
}

/** Answers a request whose path has operations by other methods; false when it has none. */
function answerOther(known: Methods, request: FastifyRequest, reply: FastifyReply): boolean {
  const path = pathOf(request);
  const methods = methodsAt(known, path);
  if (methods.length === 0) return false;
  const allow = [...methods, 'OPTIONS'].sort().join(', ');
  reply.header('allow', allow);
  if (request.method === 'OPTIONS') {
    reply.code(204).send();
    return true;
  }
  const error = new CoaxError('COAX_METHOD_NOT_ALLOWED', `${path} takes no ${request.method}, but ${allow}`, {
    where: request.method,
  });
  answerError(withStatus(error, 405), request, reply);
  return true;
}

const pathOf = ({ url }: FastifyRequest): string => url.split('?', 1)[0]!;

/** All methods by which that path can be asked for; all there are for `*`, which is the server itself. */
function methodsAt(known: Methods, path: string): string[] {
  const found = new Set<string>();
  const parts = path.split('/');
  for (const [pattern, methods] of known)
    if (path === '*' || fits(pattern.split('/'), parts)) for (const method of methods) found.add(method);
  return [...found];
}

function fits(pattern: readonly string[], parts: readonly string[]): boolean {
  const open = pattern.at(-1) === '*';
  if (open ? parts.length < pattern.length : parts.length !== pattern.length) return false;
  return pattern.every(
    (part, index) =>
      (open && index === pattern.length - 1) ||
      (part.startsWith(':') ? parts[index] !== '' : part === parts[index]),
  );
}
