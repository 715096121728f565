import { hash } from 'node:crypto';

/**
 * The uuid of the guest that a step makes: from the installation and the step's idempotency key, so whoever repeats the
 * step, or undoes it after a crash, finds the same guest. UUID version 8. Source: RFC 9562, 5.8.
 */
export function guestUuid(installation: string, key: string): string {
  const hex = hash('sha256', `${installation}/${key}`, 'hex');
  const variant = ((Number.parseInt(hex[16]!, 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
