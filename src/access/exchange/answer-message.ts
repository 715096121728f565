import type { FastifyReply, FastifyRequest } from 'fastify';
import type { MessageView } from '../../api/message.ts';
import type { Decider } from '../../channel/decisions.ts';
import type { Message } from '../../message/message.ts';
import { isResting } from '../../message/status.ts';
import type { RouteContext } from '../app.ts';
import { waitMsOf } from '../events/hold.ts';
import { viewMessage } from '../message-view.ts';
import { versionsOf } from './etag.ts';

/** Who decides, why, and what `If-Match` says that the message must be. */
export function deciderOf(request: FastifyRequest, reason: string): Decider {
  const heads = versionsOf(request);
  return { actor: request.actor, reason, ...(heads && { heads }) };
}

/**
 * The answer to what moves a message: 202 with the message as it stands; with `Prefer: wait=SECONDS` as soon as it rests,
 * then 200, or 202 when the time is over.
 */
export async function answerMessage(
  { services, hub, holds }: RouteContext,
  request: FastifyRequest,
  reply: FastifyReply,
  message: Message,
): Promise<MessageView> {
  const waitMs = waitMsOf(request, undefined);
  const { msgid } = message;
  let shown = message;
  if (waitMs > 0) {
    await hub.untilResting(msgid, waitMs, holds.hold(reply));
    shown = (await services.store.message(msgid)) ?? message;
    reply.header('preference-applied', `wait=${waitMs / 1000}`);
  }
  reply.code(waitMs > 0 && isResting(shown.phase) ? 200 : 202);
  reply.header('location', `/v1/messages/${msgid}`);
  return viewMessage(services, shown);
}
