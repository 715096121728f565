import { MessageView } from '../../../api/message.ts';
import { NamePath } from '../../../api/value.ts';
import { ConsoleQuery, ConsoleView, VmList, VmRemoveBody, VmsQuery, VmView } from '../../../api/vm.ts';
import type { VmView as VmInfo } from '../../../cloud/cloud.ts';
import { giveSerialTicket } from '../../../cloud/serial/serial-tickets.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { parseSelector } from '../../../message/carried/selector.ts';
import { labelsOfMessages } from '../../../store/rows.ts';
import { type Asking, assertMay, projectsToShow } from '../../admission/access-to.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { answerMessage, deciderOf } from '../../exchange/answer-message.ts';
import { keyedPage } from '../../page.ts';
import { tailAtServer } from '../../serial/relay-socket.ts';
import type { Services } from '../../services.ts';

export function vmRoutes(app: App, context: RouteContext): void {
  listRoutes(app, context);
  consoleRoute(app, context);
  removeRoute(app, context);
}

function listRoutes(app: App, { services }: RouteContext): void {
  const { cloud, store } = services;

  app.get(
    '/v1/vms',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'vms',
        tags: ['cloud'],
        summary: 'Every VM',
        querystring: VmsQuery,
        response: { 200: VmList, ...PROBLEMS },
      },
    },
    async request => {
      const { project, find, selector, ...query } = request.query;
      const { projects } = projectsToShow(request, project);
      const wanted = { projects, find, selector: parseSelector(selector ?? '') };
      return keyedPage({ list: 'vms', shape: 's', keyOf: ({ name }) => [name] }, query, async slice =>
        labelled(store, await cloud.vms({ ...slice, ...wanted })),
      );
    },
  );

  app.get(
    '/v1/vms/:name',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'vm',
        tags: ['cloud'],
        summary: 'One VM, by name or by the first digits of its uuid',
        params: NamePath,
        response: { 200: VmView, ...PROBLEMS },
      },
    },
    async request => {
      const vm = await findVm(services, request, request.params.name);
      request.head = (await store.message(vm.msgid))?.head ?? null;
      return (await labelled(store, [vm]))[0]!;
    },
  );
}

/** VMs with the labels of the messages that made them. */
async function labelled(store: Services['store'], vms: readonly VmInfo[]): Promise<VmView[]> {
  const labels = await labelsOfMessages(
    store.reader,
    vms.map(({ msgid }) => msgid),
  );
  return vms.map(vm => ({ ...vm, labels: labels.get(vm.msgid) ?? {} }));
}

function removeRoute(app: App, context: RouteContext): void {
  const { services } = context;
  const { decisions } = services;

  app.post(
    '/v1/vms/:name/remove',
    {
      config: { needs: 'operate', scope: 'project', waits: true, ifMatch: true },
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
      const { msgid } = await findVm(services, request, request.params.name);
      const by = deciderOf(request, request.body.reason);
      return answerMessage(context, request, reply, await decisions.revert(msgid, by, true));
    },
  );
}

function consoleRoute(app: App, { services, serial }: RouteContext): void {
  app.get(
    '/v1/vms/:name/console',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'console',
        tags: ['cloud'],
        summary: 'What its serial console showed last',
        params: NamePath,
        querystring: ConsoleQuery,
        response: { 200: ConsoleView, ...PROBLEMS },
      },
    },
    async request => {
      const { bytes } = request.query;
      const vm = await findVm(services, request, request.params.name);
      const holder = await serial.elsewhere(vm);
      if (holder === null) return { name: vm.name, text: await serial.tail(vm, bytes) };
      const opens = { vm: vm.name, actor: request.actor, readonly: true, relayed: true };
      const ticket = await giveSerialTicket(services.store, opens);
      return { name: vm.name, text: await tailAtServer(holder, vm.name, ticket, bytes) };
    },
  );
}

/** The VM, if the request may do with it what its route needs. Errors: COAX_NOT_FOUND, COAX_FORBIDDEN. */
export async function findVm(
  { cloud }: Pick<Services, 'cloud'>,
  asking: Asking,
  name: string,
): Promise<VmInfo> {
  const missing = () =>
    new CoaxError('COAX_NOT_FOUND', `there is no VM "${name}"`, {
      where: name,
      hint: '`coax vm ls` lists the VMs.',
    });
  const vm = await cloud.vm(name, projectsToShow(asking).projects);
  if (vm === null) throw missing();
  assertMay(asking, vm.project, missing);
  return vm;
}
