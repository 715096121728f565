import { MessageView } from '../../../api/message.ts';
import { NamePath } from '../../../api/value.ts';
import { ConsoleQuery, ConsoleView, VmList, VmRemoveBody, VmView } from '../../../api/vm.ts';
import type { VmView as VmInfo } from '../../../cloud/cloud.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { viewMessage } from '../../message-view.ts';
import type { Services } from '../../services.ts';

export function vmRoutes(app: App, { services }: RouteContext): void {
  const { cloud, decisions } = services;

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
    async ({ params: { name } }) => ({ ...(await findVm(services, name)) }),
  );

  app.post(
    '/v1/vms/:name/remove',
    {
      schema: {
        operationId: 'removeVm',
        tags: ['cloud'],
        summary: 'Revert the message that made the VM',
        params: NamePath,
        body: VmRemoveBody,
        response: { 202: MessageView, ...PROBLEMS },
      },
    },
    async ({ params: { name }, body: { reason }, actor }, reply) => {
      const { msgid } = await findVm(services, name);
      const message = await decisions.revert(msgid, { actor, reason }, true);
      return reply
        .code(202)
        .header('location', `/v1/messages/${msgid}`)
        .send(await viewMessage(services, message));
    },
  );

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
