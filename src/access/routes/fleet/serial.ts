import type { FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import { AgentHostPath } from '../../../api/agent.ts';
import { NamePath } from '../../../api/value.ts';
import { SerialQuery, SerialTicket, SerialTicketBody } from '../../../api/vm.ts';
import type { VmView } from '../../../cloud/cloud.ts';
import {
  giveSerialTicket,
  SERIAL_TICKET_MS,
  type SerialTicketFor,
  takeSerialTicket,
} from '../../../cloud/serial/serial-tickets.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { may, type Principal } from '../../../identity/principal.ts';
import { ServerEnd } from '../../../serial/server-end.ts';
import { assertSameOrigin } from '../../admission/same-origin.ts';
import { bearerOf } from '../../admission/token.ts';
import { watchKey } from '../../admission/watch-key.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { join, openAtServer, TICKET_PREFIX } from '../../serial/relay-socket.ts';
import type { SerialPlace } from '../../serial/serial-reach.ts';
import { closeWith, keepAlive, watcherOn } from '../../serial/socket-life.ts';
import { findVm } from './vm.ts';

/** RFC 6455: what happened is no fault of the other end. */
const FAULT = 1011;

declare module 'fastify' {
  interface FastifyRequest {
    /** What the WebSocket was opened by. */
    serialTicket: SerialTicketFor | null;
  }
}

/** The serial line of a VM: a ticket by HTTP, then a WebSocket. */
export function serialRoutes(app: App, context: RouteContext): void {
  ticketRoute(app, context);
  lineRoute(app, context);
  agentRoute(app, context);
}

function ticketRoute(app: App, { services, serial }: RouteContext): void {
  app.post(
    '/v1/vms/:name/serial-ticket',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'serialTicket',
        tags: ['cloud'],
        summary: 'A ticket that opens the serial WebSocket of one VM once',
        description:
          'Open `/v1/vms/NAME/serial?scrollback=BYTES` with the subprotocols `coax.serial` and `protocol`. Binary frames are bytes of the line, both ways. Text frames are JSON that the server tells: `attached`, `watchers`, `skipped`, `overrun`.',
        params: NamePath,
        body: SerialTicketBody,
        response: { 200: SerialTicket, ...PROBLEMS },
      },
    },
    async request => {
      const { readonly } = request.body;
      const vm = await findVm(services, request, request.params.name);
      if (!readonly) assertMayType(request.principal, vm);
      await serial.find(vm, false);
      const opens = { vm: vm.name, actor: request.actor, readonly, relayed: false };
      const ticket = await giveSerialTicket(services.store, opens);
      return { ticket, protocol: TICKET_PREFIX + ticket, readonly, expiresMs: SERIAL_TICKET_MS };
    },
  );
}

function lineRoute(app: App, context: RouteContext): void {
  const { services, serial, closing, holds } = context;
  app.decorateRequest('serialTicket', null);

  // Its own check of who asks: a browser can send no header with a WebSocket.
  app.get(
    '/v1/vms/:name/serial',
    {
      websocket: true,
      config: { opens: 'anyone', needs: 'view', scope: 'project' },
      schema: { hide: true, params: NamePath, querystring: SerialQuery },
      preValidation: async (request, reply) => {
        assertSameOrigin(request.headers);
        request.serialTicket = await opening(context, request);
        holds.hold(reply);
      },
    },
    async (socket, request) => {
      const ticket = request.serialTicket!;
      const { scrollback, follow } = request.query as { scrollback: number; follow: string };
      keepAlive(socket, closing);
      // What is typed before the line is open waits in the connection.
      socket.pause();
      try {
        const vm = await services.cloud.vm(ticket.vm);
        if (vm === null) throw new CoaxError('COAX_NOT_FOUND', `${ticket.vm} was removed`);
        if (follow === 'false') return await tellTail(context, socket, vm, scrollback);
        const place = await serial.find(vm, ticket.relayed);
        if (place.kind === 'server') await passOn(context, socket, place, vm, ticket, scrollback);
        else await attach(context, socket, place, ticket, scrollback);
      } catch (error) {
        socket.resume();
        closeWith(socket, FAULT, error instanceof CoaxError ? error.reason : 'internal error');
      }
    },
  );
}

async function attach(
  { serial }: RouteContext,
  socket: WebSocket,
  place: SerialPlace & { kind: 'here' },
  { vm, readonly }: SerialTicketFor,
  scrollback: number,
): Promise<void> {
  const watcher = watcherOn(socket);
  const line = await serial.watch(place, watcher, scrollback);
  watcher.tell({ type: 'attached', vm, readonly, watchers: line.watchers });
  socket.on('message', data => {
    if (!readonly) line.write(data as Buffer);
  });
  socket.on('close', () => line.leave());
  socket.resume();
  if (socket.readyState !== socket.OPEN) line.leave();
}

async function tellTail(
  { serial }: RouteContext,
  socket: WebSocket,
  vm: VmView,
  bytes: number,
): Promise<void> {
  const text = await serial.tail(vm, bytes);
  socket.resume();
  if (text !== '') socket.send(Buffer.from(text), { binary: true });
  closeWith(socket, 1000, 'that is all');
}

async function passOn(
  { services }: RouteContext,
  socket: WebSocket,
  place: SerialPlace & { kind: 'server' },
  vm: VmView,
  opened: SerialTicketFor,
  scrollback: number,
): Promise<void> {
  const ticket = await giveSerialTicket(services.store, { ...opened, relayed: true });
  join(socket, await openAtServer(place.holder, vm.name, ticket, `scrollback=${scrollback}`));
}

function assertMayType(principal: Principal, { name, project }: VmView): void {
  if (may(principal, 'operate', project)) return;
  throw new CoaxError('COAX_FORBIDDEN', `${principal.actor} may watch that line, and not type`, {
    where: name,
    hint: 'Ask for a ticket with "readonly": true; `coax vm console -f` does.',
  });
}

/** What a request for a WebSocket may open: by its ticket, or for who can send a header, by its token. */
async function opening({ services }: RouteContext, request: FastifyRequest): Promise<SerialTicketFor> {
  const { name } = request.params as { name: string };
  const token = bearerOf(request.headers.authorization);
  const principal = token === null ? null : await services.actorOf(token);
  if (principal?.host === null) {
    request.principal = principal;
    const vm = await findVm(services, request, name);
    const readonly = !may(principal, 'operate', vm.project);
    return { vm: vm.name, actor: principal.actor, readonly, relayed: false };
  }
  const offered = String(request.headers['sec-websocket-protocol'] ?? '').split(/,\s*/);
  const ticket = offered.find(protocol => protocol.startsWith(TICKET_PREFIX))?.slice(TICKET_PREFIX.length);
  const opens = ticket === undefined ? null : await takeSerialTicket(services.store, ticket);
  if (opens !== null && opens.vm === (await services.cloud.vm(name))?.name) return opens;
  throw new CoaxError('COAX_AUTH_MISSING', 'the serial line needs a ticket that is not used up', {
    hint: 'POST /v1/vms/NAME/serial-ticket gives one.',
  });
}

/** The connection of a host's agent that carries the serial lines of its guests; the agent opens it. */
function agentRoute(app: App, { services, serial, closing, holds }: RouteContext): void {
  app.get(
    '/v1/agents/:host/serial',
    {
      websocket: true,
      config: { opens: 'host' },
      schema: { hide: true, params: AgentHostPath },
      preValidation: async ({ fromHost }, reply) => {
        if (fromHost === null) {
          throw new CoaxError('COAX_FORBIDDEN', 'only the session of a host opens that', {
            hint: 'POST /v1/vms/NAME/serial-ticket is for people.',
          });
        }
        holds.hold(reply);
      },
    },
    async (socket, request) => {
      const { host } = request.params as { host: string };
      keepAlive(socket, closing);
      const link = {
        send: (frame: Buffer) => socket.send(frame, () => {}),
        buffered: () => socket.bufferedAmount,
      };
      const end = new ServerEnd(host, link);
      const over: (() => unknown)[] = [() => end.close('the agent of the host is not connected any more')];
      socket.on('message', data => end.receive(data as Buffer));
      socket.on('close', () => {
        for (const each of over) void each();
      });
      over.push(await watchKey(services.agents, host, () => socket.terminate()));
      over.push(await serial.connected(host, end));
      if (socket.readyState !== socket.OPEN) for (const each of over) void each();
    },
  );
}
