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
  if (waitMs === 0) return answerWith(services, reply, message, 202);
  const { msgid } = message;
  const rested = await hub.untilResting(msgid, waitMs, holds.hold(reply));
  const shown = rested ?? (await services.store.message(msgid)) ?? message;
  reply.header('preference-applied', `wait=${waitMs / 1000}`);
  return answerWith(services, reply, shown, isResting(shown.phase) ? 200 : 202);
}

/** The same for a message that was just made, which is not read again for it. `since`: the hub's position before that. */
export function answerNew(
  context: RouteContext,
  request: FastifyRequest,
  reply: FastifyReply,
  made: Message,
  since: number,
): MessageView | Promise<MessageView> {
  const waitMs = waitMsOf(request, undefined);
  return waitMs === 0
    ? answerWith(context.services, reply, made, 202)
    : answerRested(context, reply, made, since, waitMs);
}

async function answerRested(
  { services, hub, holds }: RouteContext,
  reply: FastifyReply,
  made: Message,
  since: number,
  waitMs: number,
): Promise<MessageView> {
  const rested = await hub.untilResting(made.msgid, waitMs, holds.hold(reply), since);
  const shown = rested ?? (await services.store.message(made.msgid)) ?? made;
  reply.header('preference-applied', `wait=${waitMs / 1000}`);
  return answerWith(services, reply, shown, isResting(shown.phase) ? 200 : 202);
}

function answerWith(
  services: RouteContext['services'],
  reply: FastifyReply,
  message: Message,
  status: 200 | 202,
): MessageView | Promise<MessageView> {
  reply.code(status);
  reply.header('location', `/v1/messages/${message.msgid}`);
  return viewMessage(services, message);
}
