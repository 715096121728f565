import { MessageView } from '../../../api/message.ts';
import { NamePath } from '../../../api/value.ts';
import {
  ConsoleQuery,
  ConsoleView,
  VmList,
  VmRemoveBody,
  VmsQuery,
  VmsUseQuery,
  type VmUse,
  VmUseHistory,
  VmUseList,
  type VmUseView,
  VmView,
} from '../../../api/vm.ts';
import type { VmView as VmInfo } from '../../../cloud/cloud.ts';
import { giveSerialTicket } from '../../../cloud/serial/serial-tickets.ts';
import type { UseNow } from '../../../cloud/use/use-history.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { parseSelector } from '../../../message/carried/selector.ts';
import { labelsOfMessages } from '../../../store/rows.ts';
import type { Slice } from '../../../store/slice.ts';
import { type Asking, assertMay, projectsToShow } from '../../admission/access-to.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { answerMessage, deciderOf } from '../../exchange/answer-message.ts';
import { isoTime } from '../../message-view.ts';
import { keyedPage, pageInMemory } from '../../page.ts';
import { tailAtServer } from '../../serial/relay-socket.ts';
import type { Services } from '../../services.ts';

export function vmRoutes(app: App, context: RouteContext): void {
  listRoutes(app, context);
  useRoutes(app, context);
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

function useRoutes(app: App, { services }: RouteContext): void {
  const { cloud } = services;

  app.get(
    '/v1/vm-use',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'vmsUse',
        tags: ['cloud'],
        summary: 'What VMs use of their hosts now: CPU, memory, disks',
        querystring: VmsUseQuery,
        response: { 200: VmUseList, ...PROBLEMS },
      },
    },
    async request => {
      const { project, host, selector, ...query } = request.query;
      const { projects } = projectsToShow(request, project);
      const wanted = { projects, find: host, selector: parseSelector(selector ?? '') };
      const uses = await cloud.usesNow(host);
      const views = async (slice: Slice): Promise<VmUseView[]> =>
        (await cloud.vms({ ...slice, ...wanted })).map(vm => vmUseView(vm, uses));
      const keyed = { list: 'vm-use', shape: 's', keyOf: ({ name }: VmUseView) => [name] };
      if (host === undefined) return keyedPage(keyed, query, views);
      // `find` is a sieve: it lets through what has the host's name elsewhere.
      return pageInMemory(
        keyed,
        query,
        (await views({})).filter(vm => vm.host === host),
      );
    },
  );

  app.get(
    '/v1/vms/:name/use',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'vmUse',
        tags: ['cloud'],
        summary: 'What a VM uses of its host now, and used in the last hour',
        params: NamePath,
        response: { 200: VmUseHistory, ...PROBLEMS },
      },
    },
    async request => {
      const vm = await findVm(services, request, request.params.name);
      const history = await cloud.useHistory(vm);
      return {
        ...vmUseView(vm, await cloud.usesNow(vm.host)),
        history: history.map(point => ({ ...point, at: isoTime(point.at) })),
      };
    },
  );
}

function vmUseView(vm: VmInfo, uses: ReadonlyMap<string, UseNow>): VmUseView {
  const { name, uuid, host, project, msgid, state, simulated } = vm;
  const now = uuid === null ? undefined : uses.get(uuid);
  // Of a VM that moves, the guest that it leaves is told by another host.
  const known = now?.host === host ? now : undefined;
  return {
    ...{ name, uuid, host, project, msgid, state, simulated },
    use: known === undefined ? null : withoutCounters(known),
  };
}

function withoutCounters({ at, use: { counters: _, ...use } }: UseNow): VmUse {
  return { ...use, at: isoTime(at) };
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
