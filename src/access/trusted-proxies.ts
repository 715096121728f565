import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { CoaxError } from '../errors/coax-error.ts';

/** Whoever speaks over the Unix socket: only who may open that file. */
const UNIX = 'unix';

/**
 * Whose X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host are believed: addresses, ranges such as 10.0.0.0/8, and
 * `unix` for whoever speaks over the Unix socket. Errors: COAX_USAGE.
 */
export function trustedProxies(texts: readonly string[]): (address: string | undefined) => boolean {
  const list = new BlockList();
  let unix = false;
  for (const text of texts) {
    if (text === UNIX) {
      unix = true;
      continue;
    }
    const [, address = '', bits] = /^([0-9A-Fa-f.:]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    const most = family === 'ipv4' ? 32 : 128;
    if ((family === 'ipv6' && !isIPv6(address)) || Number(bits ?? most) > most) throw wrong(text);
    list.addSubnet(address, Number(bits ?? most), family);
  }
  return address => {
    if (!address) return unix;
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
    return isIPv4(plain) ? list.check(plain, 'ipv4') : isIPv6(plain) && list.check(plain, 'ipv6');
  };
}

function wrong(text: string): CoaxError {
  return new CoaxError(
    'COAX_USAGE',
    `${JSON.stringify(text)} is neither an address nor a range of addresses`,
    {
      where: '--trust-proxy',
      hint: 'For example 127.0.0.1, 10.0.0.0/8, fd00::/8, or unix for the Unix socket.',
    },
  );
}
