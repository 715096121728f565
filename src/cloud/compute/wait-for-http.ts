import { setTimeout as sleep } from 'node:timers/promises';
import { CoaxError, textOf } from '../../errors/coax-error.ts';
import type { Guest } from './hypervisor.ts';

const BETWEEN_MS = 50;
const ASK_AGAIN_MS = 200;
const GIVE_UP_MS = 5000;

/**
 * Waits until the guest's page answers with 200, and gives its text. While a guest boots, a request may hang (no answer
 * to ARP, or QEMU took the connection and has nobody to hand it to), so a new one starts beside it every 0.2 s.
 *
 * Errors: COAX_HYPERVISOR when the guest's process ends or the time is over; what `signal` gives when it aborts.
 */
export async function waitForHttp(guest: Guest, timeoutMs: number, signal: AbortSignal): Promise<string> {
  const deadline = performance.now() + timeoutMs;
  const ended = new AbortController();
  const seen: { page: string | null; last: string } = { page: null, last: 'no answer' };
  const ask = async (): Promise<void> => {
    try {
      const response = await fetch(guest.url, {
        signal: AbortSignal.any([ended.signal, signal, AbortSignal.timeout(GIVE_UP_MS)]),
      });
      const text = await response.text();
      if (response.status === 200) seen.page ??= text;
      else seen.last = `status ${response.status}`;
    } catch (error) {
      seen.last = textOf((error as Error).cause ?? error);
    }
  };
  try {
    while (seen.page === null) {
      signal.throwIfAborted();
      if (guest.pid !== null && !isThere(guest.pid)) {
        throw new CoaxError('COAX_HYPERVISOR', `guest ${guest.name} ended while it booted`, {
          where: guest.uuid,
        });
      }
      if (performance.now() > deadline) {
        throw new CoaxError(
          'COAX_HYPERVISOR',
          `${guest.url} did not answer within ${timeoutMs} ms: ${seen.last}`,
          {
            where: guest.uuid,
          },
        );
      }
      await Promise.race([ask(), sleep(ASK_AGAIN_MS)]);
      if (seen.page === null) await sleep(BETWEEN_MS);
    }
    return seen.page;
  } finally {
    ended.abort();
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
