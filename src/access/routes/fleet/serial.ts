import { hash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { WebSocket } from '@fastify/websocket';
import { NamePath } from '../../../api/value.ts';
import { SerialTicket } from '../../../api/vm.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { bearerOf } from '../../admission/token.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { findVm } from './vm.ts';

const TICKET_MS = 10_000;
const TICKETS_MAX = 1000;
const BACKLOG_BYTES_MAX = 1024 * 1024;
/** The WebSocket subprotocol; the ticket travels beside it, so that no token stands in a URL. */
export const SERIAL_PROTOCOL = 'coax.serial';
const TICKET_PREFIX = 'coax.ticket.';

/** One-use tickets, by their hash. */
class Tickets {
  readonly #open = new Map<string, { vm: string; until: number }>();

  give(vm: string, now: number): string {
    for (const [key, { until }] of this.#open) if (until < now) this.#open.delete(key);
    if (this.#open.size >= TICKETS_MAX)
      throw new CoaxError('COAX_RATE', 'too many tickets are open', { retryAfterMs: TICKET_MS });
    const ticket = randomBytes(24).toString('hex');
    this.#open.set(hash('sha256', ticket), { vm, until: now + TICKET_MS });
    return ticket;
  }

  take(ticket: string, now: number): string | null {
    const key = hash('sha256', ticket);
    const found = this.#open.get(key);
    this.#open.delete(key);
    return found !== undefined && found.until >= now ? found.vm : null;
  }
}

/** The serial line of a VM: a ticket by HTTP, then a WebSocket. */
export function serialRoutes(app: App, publicApp: App, { services }: RouteContext): void {
  const { store, cloud } = services;
  const tickets = new Tickets();

  app.post(
    '/v1/vms/:name/serial-ticket',
    {
      config: { needs: 'operate', scope: 'project' },
      schema: {
        operationId: 'serialTicket',
        tags: ['cloud'],
        summary: 'A ticket that opens the serial WebSocket of one VM once',
        params: NamePath,
        response: { 200: SerialTicket, ...PROBLEMS },
      },
    },
    async request => {
      const vm = await findVm(services, request, request.params.name);
      await socketOf(vm.name);
      const ticket = tickets.give(vm.name, store.now());
      return { ticket, protocol: TICKET_PREFIX + ticket, expiresMs: TICKET_MS };
    },
  );

  // Its own check of who asks: a browser can send no header with a WebSocket.
  publicApp.get(
    '/v1/vms/:name/serial',
    {
      websocket: true,
      config: { needs: 'operate', scope: 'project' },
      schema: { hide: true, params: NamePath },
      preValidation: async request => {
        const { name } = request.params as { name: string };
        const token = bearerOf(request.headers.authorization);
        const principal = token === null ? null : await services.actorOf(token);
        if (principal?.host === null) {
          request.principal = principal;
          await findVm(services, request, name);
          return;
        }
        const ticket = offeredTicket(request.headers['sec-websocket-protocol']);
        const vm = ticket === undefined ? null : tickets.take(ticket, store.now());
        if (vm === null || vm !== (await cloud.vm(name))?.name) {
          throw new CoaxError('COAX_AUTH_MISSING', 'the serial line needs a ticket that is not used up', {
            hint: 'POST /v1/vms/NAME/serial-ticket gives one.',
          });
        }
      },
    },
    async (socket, request) => {
      try {
        const { name } = request.params as { name: string };
        bridge(socket, await socketOf((await cloud.vm(name))?.name ?? name));
      } catch (error) {
        socket.close(1011, error instanceof CoaxError ? error.reason.slice(0, 120) : 'internal error');
      }
    },
  );

  async function socketOf(name: string): Promise<string> {
    const path = await cloud.serialSocket(name);
    if (path !== null) return path;
    throw new CoaxError('COAX_HYPERVISOR', `${name} has no serial line now`, {
      where: name,
      hint: 'It is stopped, or its hypervisor is simulated.',
    });
  }
}

function offeredTicket(protocols: string | undefined): string | undefined {
  const offered = (protocols ?? '').split(/,\s*/).find(protocol => protocol.startsWith(TICKET_PREFIX));
  return offered?.slice(TICKET_PREFIX.length);
}

function bridge(socket: WebSocket, path: string): void {
  const line = connect(path);
  line.on('data', chunk => {
    socket.send(chunk, { binary: true });
    // A terminal that does not read slows the guest's line rather than filling memory.
    if (socket.bufferedAmount > BACKLOG_BYTES_MAX) {
      line.pause();
      const timer = setInterval(() => {
        if (socket.bufferedAmount > 0 && socket.readyState === socket.OPEN) return;
        clearInterval(timer);
        line.resume();
      }, 50);
    }
  });
  line.on('error', () => socket.close(1011, 'the serial line is gone'));
  line.on('close', () => socket.close(1000, 'the serial line ended'));
  socket.on('message', data => line.write(data as Buffer));
  socket.on('close', () => line.destroy());
  socket.on('error', () => line.destroy());
}
