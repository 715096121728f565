import { hash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CoaxError } from '../../errors/coax-error.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The version of what is shown (of a message its head), set by routes whose thing can be changed under `If-Match`. */
    head: string | null;
  }
}

const HEAD_DIGITS = 32;
/** Entity tags in one header. */
const TAGS_MAX = 20;
const TAG = /^(?:W\/)?"([\x21\x23-\x7e]{0,128})"$/;

/**
 * The ETag of an answer: of what its bytes are, and before that the version of the thing (for a message or a VM, the message's
 * head). `If-Match` asks for the version alone: a change that is nobody's decision (who holds the lease, when a token was used)
 * is not one that somebody could overwrite.
 */
function etagOf(payload: string, head: string | null): string {
  const content = hash('sha256', payload, 'base64url').slice(0, 22);
  return head === null ? `"${content}"` : `"${head.slice(0, HEAD_DIGITS)}-${content}"`;
}

/** Gives a GET's JSON its ETag, and 304 without a body to who has it already. */
export function tagAnswer(request: FastifyRequest, reply: FastifyReply, payload: unknown): unknown {
  if (request.method !== 'GET' || reply.statusCode !== 200 || typeof payload !== 'string') return payload;
  if (!String(reply.getHeader('content-type') ?? '').startsWith('application/json')) return payload;
  const etag = etagOf(payload, request.head);
  reply.header('etag', etag).header('cache-control', 'private, no-cache').header('vary', 'authorization');
  const given = request.headers['if-none-match'];
  if (given === undefined || !matches(given, etag.slice(1, -1))) return payload;
  reply.code(304).removeHeader('content-type').removeHeader('content-length');
  return '';
}

function matches(header: string, tag: string): boolean {
  if (header.trim() === '*') return true;
  return header.split(',', TAGS_MAX).some(one => TAG.exec(one.trim())?.[1] === tag);
}

/**
 * What `If-Match` asks for: first digits of the versions that the thing may have; undefined when any will do. Errors:
 * COAX_MESSAGE_INVALID when the header holds no ETag of a thing that can be changed.
 */
export function versionsOf(request: FastifyRequest): readonly string[] | undefined {
  const given = request.headers['if-match'];
  if (given === undefined || given.trim() === '*') return undefined;
  return given.split(',', TAGS_MAX).map(one => {
    const head = /^([0-9a-f]{32})-/.exec(TAG.exec(one.trim())?.[1] ?? '')?.[1];
    if (head !== undefined) return head;
    throw new CoaxError('COAX_MESSAGE_INVALID', 'If-Match holds no ETag of a thing that can be changed', {
      where: 'If-Match',
      hint: 'Give the ETag that GET answered, in its quotes.',
    });
  });
}
