import type { IncomingHttpHeaders } from 'node:http';
import { CoaxError } from '../../errors/coax-error.ts';

/**
 * Browsers open a WebSocket from any page to any server and say which page it was: only a page of this server may. Programs
 * say none. Errors: COAX_FORBIDDEN.
 */
export function assertSameOrigin({ origin, host }: IncomingHttpHeaders): void {
  if (origin === undefined) return;
  const from = URL.canParse(origin) ? new URL(origin).host : null;
  if (from !== null && from === withoutUsualPort(origin, host ?? '')) return;
  throw new CoaxError('COAX_FORBIDDEN', 'a page of another site may not open that', {
    where: 'Origin',
    hint: 'A proxy in front must pass the header Host on as it came.',
  });
}

/** As a URL writes it: without 80 and 443. */
function withoutUsualPort(origin: string, host: string): string {
  const url = `${origin.split(':')[0]}://${host}`;
  return URL.canParse(url) ? new URL(url).host : '';
}
