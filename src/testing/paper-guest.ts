import type { GuestSpec } from '../cloud/compute/hypervisor.ts';

/** What a guest that exists on paper only is asked for; each index gives another one. */
export function paperGuest(index: number): GuestSpec {
  const digits = index.toString(16).padStart(2, '0');
  return {
    uuid: `0b6f3c3e-58a1-4d0c-9d27-3f1f4a1f2a${digits}`,
    name: `sim-${index}`,
    cpu: 1,
    memMib: 128,
    msgid: index,
    network: {
      mode: 'tap',
      ip: `10.77.0.${10 + index}`,
      prefix: 24,
      gateway: '10.77.0.1',
      mac: `52:54:00:00:00:${digits}`,
      httpPort: 80,
    },
  };
}
