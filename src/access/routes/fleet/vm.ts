import { MessageView } from '../../../api/message.ts';
import { NamePath } from '../../../api/value.ts';
import { ConsoleQuery, ConsoleView, VmList, VmRemoveBody, VmView } from '../../../api/vm.ts';
import type { VmView as VmInfo } from '../../../cloud/cloud.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { answerMessage, deciderOf } from '../../exchange/answer-message.ts';
import type { Services } from '../../services.ts';

export function vmRoutes(app: App, context: RouteContext): void {
  const { services } = context;
  const { cloud, store } = services;

  app.get(
    '/v1/vms',
    {
      schema: {
        operationId: 'vms',
        tags: ['cloud'],
        summary: 'Every VM',
        response: { 200: VmList, ...PROBLEMS },
      },
    },
    async () => ({ items: [...(await cloud.vms())].map(vm => ({ ...vm })) }),
  );

  app.get(
    '/v1/vms/:name',
    {
      schema: {
        operationId: 'vm',
        tags: ['cloud'],
        summary: 'One VM, by name or by the first digits of its uuid',
        params: NamePath,
        response: { 200: VmView, ...PROBLEMS },
      },
    },
    async request => {
      const vm = await findVm(services, request.params.name);
      request.head = (await store.message(vm.msgid))?.head ?? null;
      return { ...vm };
    },
  );

  consoleRoute(app, services);
  removeRoute(app, context);
}

function removeRoute(app: App, context: RouteContext): void {
  const { services } = context;
  const { decisions } = services;

  app.post(
    '/v1/vms/:name/remove',
    {
      config: { waits: true, ifMatch: true },
      schema: {
        operationId: 'removeVm',
        tags: ['cloud'],
        summary: 'Revert the message that made the VM',
        params: NamePath,
        body: VmRemoveBody,
        response: { 200: MessageView, 202: MessageView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { msgid } = await findVm(services, request.params.name);
      const by = deciderOf(request, request.body.reason);
      return answerMessage(context, request, reply, await decisions.revert(msgid, by, true));
    },
  );
}

function consoleRoute(app: App, services: Services): void {
  const { cloud } = services;

  app.get(
    '/v1/vms/:name/console',
    {
      schema: {
        operationId: 'console',
        tags: ['cloud'],
        summary: 'What its serial console showed last',
        params: NamePath,
        querystring: ConsoleQuery,
        response: { 200: ConsoleView, ...PROBLEMS },
      },
    },
    async ({ params: { name }, query: { bytes } }) => {
      const vm = await findVm(services, name);
      return { name: vm.name, text: await cloud.consoleTail(vm.name, bytes) };
    },
  );
}

export async function findVm({ cloud }: Pick<Services, 'cloud'>, name: string): Promise<VmInfo> {
  const vm = await cloud.vm(name);
  if (vm !== null) return vm;
  throw new CoaxError('COAX_NOT_FOUND', `there is no VM "${name}"`, {
    where: name,
    hint: '`coax vm ls` lists the VMs.',
  });
}
