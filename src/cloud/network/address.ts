import { invariant } from '../../errors/coax-error.ts';

/** An IPv4 subnet with the addresses that guests may have: all but its own, its gateway and the broadcast one. */
export interface Subnet {
  readonly prefix: number;
  /** First and last address of the subnet, as integers. */
  readonly base: number;
  readonly last: number;
}

/** `10.77.0.0/16`. Source: RFC 4632. */
export function parseCidr(cidr: string): Subnet {
  const [text, length] = cidr.split('/');
  const address = parseAddress(text!);
  const prefix = Number(length);
  invariant(address !== null && prefix >= 8 && prefix <= 30, `${cidr} is not a subnet`);
  const size = 2 ** (32 - prefix);
  const base = address - (address % size);
  return { prefix, base, last: base + size - 1 };
}

/** Dotted decimal to an integer; null if it is not one. No leading zeroes, which some would read as octal. */
export function parseAddress(text: string): number | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let address = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    address = address * 256 + Number(part);
  }
  return address;
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map(shift => Math.floor(address / 2 ** shift) % 256).join('.');
}

/** The runs of addresses that guests may have when nobody has any. */
export function guestRanges(cidr: string, gateway: string): { low: number; high: number }[] {
  const { base, last } = parseCidr(cidr);
  const between = parseAddress(gateway)!;
  return [
    { low: base + 1, high: Math.min(between, last) - 1 },
    { low: Math.max(between, base) + 1, high: last - 1 },
  ].filter(({ low, high }) => low <= high);
}

/**
 * The network card's address that belongs to an IPv4 address: the prefix (3 bytes, locally administered) and the lower
 * 24 bits, so two guests of a subnet never share one.
 */
export function macOf(macPrefix: string, address: number): string {
  const bytes = [16, 8, 0].map(shift => Math.floor(address / 2 ** shift) % 256);
  return [macPrefix, ...bytes.map(byte => byte.toString(16).padStart(2, '0'))].join(':');
}
