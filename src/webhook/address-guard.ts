import { lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { CoaxError } from '../errors/coax-error.ts';

/** IPv4 networks that are not the public internet: the IANA special-purpose registry (RFC 6890), multicast and reserved. */
const PRIVATE_4 = [
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24',
  '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24',
  '224.0.0.0/4', '240.0.0.0/4',
]; // biome-ignore format: a list of networks
/** Of IPv6 only 2000::/3 is the internet, and of it not what tunnels, documents or tests. */
const PUBLIC_6 = ['2000::/3'];
const PRIVATE_6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

type Resolve = typeof systemLookup;

/**
 * Which addresses the server may send to when somebody else chose the URL: those of the public internet, and those that the
 * operator allows. It is asked about the address that is connected to, not about the name.
 */
export class AddressGuard {
  readonly #private4 = listOf(PRIVATE_4);
  readonly #public6 = listOf(PUBLIC_6);
  readonly #private6 = listOf(PRIVATE_6);
  readonly #allowed: BlockList;
  readonly #resolve: Resolve;

  /** `allow`: networks, `10.1.0.0/16` or `fd00::/8`, or single addresses. Errors: COAX_USAGE for one that is none. */
  constructor(allow: readonly string[] = [], resolve: Resolve = systemLookup) {
    this.#allowed = listOf(allow);
    this.#resolve = resolve;
  }

  /** Why that address may not be sent to; null if it may. */
  refuses(address: string): string | null {
    const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? mappedHex(address);
    const plain = mapped ?? address.replace(/%.*$/, '');
    const family = isIP(plain);
    if (family === 0) return `${address} is no address`;
    const type = family === 4 ? 'ipv4' : 'ipv6';
    if (this.#allowed.check(plain, type)) return null;
    const isPublic =
      family === 4
        ? !this.#private4.check(plain, type)
        : this.#public6.check(plain, type) && !this.#private6.check(plain, type);
    return isPublic ? null : `${address} is not an address of the public internet`;
  }

  /**
   * A URL that may be sent to, as far as it says so itself. Errors: COAX_WEBHOOK_URL for another scheme, credentials in it, an
   * address that is refused.
   */
  url(text: string): URL {
    const wrong = (reason: string): CoaxError => new CoaxError('COAX_WEBHOOK_URL', reason, { where: '/url' });
    const url = URL.parse(text);
    if (url === null) throw wrong('it is not a URL');
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      throw wrong(`${url.protocol} is neither http nor https`);
    if (url.username !== '' || url.password !== '')
      throw wrong('it has a user or a password in it, which every list of webhooks would show');
    if (url.hash !== '') throw wrong('it has a fragment, which is never sent');
    // The parser has already made 127.0.0.1 of 0x7f.1, 2130706433 and 0177.0.0.1.
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const refused = isIP(host) === 0 ? null : this.refuses(host);
    if (refused !== null) throw wrong(refused);
    return url;
  }

  /** Resolves names for a connection: a name with any address that is refused is refused. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.#resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '', 4);
      const refused = addresses.map(({ address }) => this.refuses(address)).find(reason => reason !== null);
      const [first] = addresses;
      if (refused !== undefined || first === undefined)
        return callback(new Error(`refused: ${refused ?? `${hostname} has no address`}`), '', 4);
      if (options.all) return callback(null, addresses as never, 0 as never);
      callback(null, first.address, first.family);
    });
  };
}

/** ::ffff:7f00:1, and ::7f00:1 of old. */
function mappedHex(address: string): string | null {
  const found = /^::(?:ffff:(?:0:)?)?([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(address);
  if (found === null) return null;
  const [high, low] = [Number.parseInt(found[1]!, 16), Number.parseInt(found[2]!, 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIP(address);
    const most = family === 4 ? 32 : 128;
    const prefix = bits === undefined ? most : Number(bits);
    if (family === 0 || !/^\d{1,3}$/.test(bits ?? '0') || prefix > most)
      throw new CoaxError('COAX_USAGE', `${network} is not a network`, {
        where: '--webhook-allow',
        hint: 'As in 10.1.0.0/16, 192.168.7.9 or fd00::/8.',
      });
    list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}
