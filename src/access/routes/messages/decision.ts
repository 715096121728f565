import { CancelBody, MessageView, ResolveBody, RevertBody, RewindBody } from '../../../api/message.ts';
import { MsgidPath } from '../../../api/value.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { didYouMean } from '../../../flow/nearest.ts';
import type { Message, Parameters } from '../../../message/message.ts';
import { stepLabel } from '../../../message/step-label.ts';
import { validateParameters } from '../../../message/validate.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { viewMessage } from '../../message-view.ts';
import { findMessage } from './message.ts';

const answers = { 202: MessageView, ...PROBLEMS };

/** What a person decides about a message. Each is durable when answered; what follows from it goes on. */
export function decisionRoutes(app: App, context: RouteContext): void {
  turnRoutes(app, context);
  editRoutes(app, context);
}

function turnRoutes(app: App, context: RouteContext): void {
  const { services } = context;
  const { decisions } = services;

  app.post(
    '/v1/messages/:msgid/cancel',
    {
      schema: {
        operationId: 'cancel',
        tags: ['decisions'],
        summary: 'Turn a message back',
        params: MsgidPath,
        body: CancelBody,
        response: answers,
      },
    },
    async ({ params: { msgid }, body: { reason }, actor }, reply) =>
      reply.code(202).send(await viewMessage(services, await decisions.cancel(msgid, { actor, reason }))),
  );

  app.post(
    '/v1/messages/:msgid/revert',
    {
      schema: {
        operationId: 'revert',
        tags: ['decisions'],
        summary: 'Walk a finished message back',
        params: MsgidPath,
        body: RevertBody,
        response: answers,
      },
    },
    async ({ params: { msgid }, body: { reason, force }, actor }, reply) =>
      reply
        .code(202)
        .send(await viewMessage(services, await decisions.revert(msgid, { actor, reason }, force))),
  );
}

function editRoutes(app: App, context: RouteContext): void {
  const { services } = context;
  const { decisions } = services;

  app.post(
    '/v1/messages/:msgid/rewind',
    {
      schema: {
        operationId: 'rewind',
        tags: ['decisions'],
        summary: 'Walk back to a step, undoing it too, change parameters, and go forward again',
        params: MsgidPath,
        body: RewindBody,
        response: answers,
      },
    },
    async ({ params: { msgid }, body: { to, parameters, reason }, actor }, reply) => {
      const message = await findMessage(context, msgid);
      const index = typeof to === 'number' ? to : stepIndex(message, to);
      const moved = await decisions.rewind(msgid, index, edited(parameters), { actor, reason });
      return reply.code(202).send(await viewMessage(services, moved));
    },
  );

  app.post(
    '/v1/messages/:msgid/resolve',
    {
      schema: {
        operationId: 'resolve',
        tags: ['decisions'],
        summary: 'Decide for a parked message',
        params: MsgidPath,
        body: ResolveBody,
        response: answers,
      },
    },
    async ({ params: { msgid }, body: { how, parameters, reason }, actor }, reply) => {
      const moved = await decisions.resolve(msgid, how, edited(parameters), { actor, reason });
      return reply.code(202).send(await viewMessage(services, moved));
    },
  );
}

/** Parameters that a person changes obey the same limits as those that come with a message. */
export function edited(parameters: Parameters | undefined): Parameters {
  return parameters === undefined ? {} : validateParameters(parameters);
}

/** A step by its number or its name. */
function stepIndex(message: Message, name: string): number {
  if (/^\d+$/.test(name)) return Number(name);
  const labels = message.plan.steps.map(stepLabel);
  const wanted = name.trim().replace(/\s+/g, ' ');
  const found = labels.flatMap((label, index) => (label === wanted ? [index] : []));
  if (found.length === 1) return found[0]!;
  throw new CoaxError(
    'COAX_MESSAGE_INVALID',
    found.length === 0
      ? `the plan has no step "${name}"${didYouMean(wanted, labels)}`
      : `"${name}" stands ${found.length} times in the plan`,
    {
      where: '/to',
      hint: `Give its number: ${labels
        .map((label, index) => `${index} ${label}`)
        .slice(0, 12)
        .join(', ')}`,
    },
  );
}
