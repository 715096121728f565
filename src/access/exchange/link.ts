import type { FastifyReply, FastifyRequest } from 'fastify';

/** Says where the next page of a list is: `Link: <…>; rel="next"` (RFC 8288), the same request with the cursor moved on. */
export function linkNext(request: FastifyRequest, reply: FastifyReply, payload: unknown): void {
  if (request.method !== 'GET' || typeof payload !== 'object' || payload === null || !('next' in payload))
    return;
  if (typeof payload.next !== 'string') return;
  const [path = '', query = ''] = request.url.split('?', 2);
  const search = new URLSearchParams(query);
  search.set('cursor', payload.next);
  reply.header('link', `<${path}?${search}>; rel="next"`);
}
