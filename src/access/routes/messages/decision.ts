import {
  ApproveBody,
  CancelBody,
  MessageView,
  ResolveBody,
  RevertBody,
  RewindBody,
} from '../../../api/message.ts';
import { MsgidPath } from '../../../api/value.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { didYouMean } from '../../../errors/nearest.ts';
import type { Message, Parameters } from '../../../message/message.ts';
import { stepLabel } from '../../../message/step-label.ts';
import { validateParameters } from '../../../message/validate.ts';
import { assertEditAllowed } from '../../admission/plan-scope.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { answerMessage, deciderOf } from '../../exchange/answer-message.ts';
import type { Services } from '../../services.ts';
import { findMessage } from './message.ts';

const answers = { 200: MessageView, 202: MessageView, ...PROBLEMS };
const config = { needs: 'operate', scope: 'project', waits: true, ifMatch: true } as const;

/** What a person decides about a message. Each is durable when answered; what follows from it goes on. */
export function decisionRoutes(app: App, context: RouteContext): void {
  turnRoutes(app, context);
  approveRoute(app, context);
  editRoutes(app, context);
}

function turnRoutes(app: App, context: RouteContext): void {
  const { decisions } = context.services;

  app.post(
    '/v1/messages/:msgid/cancel',
    {
      config,
      schema: {
        operationId: 'cancel',
        tags: ['decisions'],
        summary: 'Turn a message back',
        params: MsgidPath,
        body: CancelBody,
        response: answers,
      },
    },
    async (request, reply) => {
      const { msgid } = await findMessage(context, request, request.params.msgid);
      const by = deciderOf(request, request.body.reason);
      return answerMessage(context, request, reply, await decisions.cancel(msgid, by));
    },
  );

  app.post(
    '/v1/messages/:msgid/revert',
    {
      config,
      schema: {
        operationId: 'revert',
        tags: ['decisions'],
        summary: 'Walk a finished message back',
        params: MsgidPath,
        body: RevertBody,
        response: answers,
      },
    },
    async (request, reply) => {
      const { msgid } = await findMessage(context, request, request.params.msgid);
      const { reason, force } = request.body;
      const by = deciderOf(request, reason);
      return answerMessage(context, request, reply, await decisions.revert(msgid, by, force));
    },
  );
}

function approveRoute(app: App, context: RouteContext): void {
  app.post(
    '/v1/messages/:msgid/approve',
    {
      config,
      schema: {
        operationId: 'approve',
        tags: ['decisions'],
        summary: 'Approve or reject what waits for a person: this message, or the first one beneath it',
        description: 'Answers the message that waited, as it stands then.',
        params: MsgidPath,
        body: ApproveBody,
        response: answers,
      },
    },
    async (request, reply) => {
      const { msgid } = await findMessage(context, request, request.params.msgid);
      const { reason, reject } = request.body;
      const by = deciderOf(request, reason);
      return answerMessage(
        context,
        request,
        reply,
        await context.services.decisions.approve(msgid, !reject, by),
      );
    },
  );
}

function editRoutes(app: App, context: RouteContext): void {
  const { decisions } = context.services;

  app.post(
    '/v1/messages/:msgid/rewind',
    {
      config,
      schema: {
        operationId: 'rewind',
        tags: ['decisions'],
        summary: 'Walk back to a step, undoing it too, change parameters, and go forward again',
        params: MsgidPath,
        body: RewindBody,
        response: answers,
      },
    },
    async (request, reply) => {
      const { to, parameters, reason } = request.body;
      const message = await findMessage(context, request, request.params.msgid);
      const { msgid } = message;
      const index = typeof to === 'number' ? to : stepIndex(message, to);
      const edit = edited(context.services, message, parameters);
      await assertEditAllowed(context.services, request, message, edit);
      const moved = await decisions.rewind(msgid, index, edit, deciderOf(request, reason));
      return answerMessage(context, request, reply, moved);
    },
  );

  app.post(
    '/v1/messages/:msgid/resolve',
    {
      config,
      schema: {
        operationId: 'resolve',
        tags: ['decisions'],
        summary: 'Decide for a parked message',
        params: MsgidPath,
        body: ResolveBody,
        response: answers,
      },
    },
    async (request, reply) => {
      const message = await findMessage(context, request, request.params.msgid);
      const { how, parameters, reason } = request.body;
      const by = deciderOf(request, reason);
      const edit = edited(context.services, message, parameters);
      await assertEditAllowed(context.services, request, message, edit);
      const moved = await decisions.resolve(message.msgid, how, edit, by);
      return answerMessage(context, request, reply, moved);
    },
  );
}

/** Parameters that a person changes obey the same limits as those that come with a message, and are as secret. */
export function edited(
  { flows, secrets }: Pick<Services, 'flows' | 'secrets'>,
  message: Message,
  parameters: Parameters | undefined,
): Parameters {
  if (parameters === undefined) return {};
  // A branch has the name of its flow and its own.
  const flow = flows.find(message.flow.split('/')[0] ?? '');
  return secrets.sealEdit(validateParameters(parameters), message, flow?.parameters ?? {});
}

/** A step by its number or its name. */
export function stepIndex(message: Message, name: string): number {
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
