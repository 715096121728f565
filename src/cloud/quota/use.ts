import type { Parameters } from '../../message/message.ts';

/** What the quota of a project counts of what its messages hold. CPU in thousandths, memory in MiB. */
export interface Use {
  readonly vms: number;
  readonly cpuMilli: number;
  readonly memMib: number;
  readonly addresses: number;
}

export const NO_USE: Use = { vms: 0, cpuMilli: 0, memMib: 0, addresses: 0 };

/** Said in the room that a VM claims on the host it moves to: until it is there, the room that it has is what counts. */
export const MOVING = { moving: true } as const;

/** What one allocation counts. */
export function useOf(kind: string, detail: Parameters): Use {
  if (kind === 'vm') return { ...NO_USE, vms: 1 };
  if (kind === 'ip') return { ...NO_USE, addresses: 1 };
  if (kind !== 'claim' || detail.moving === true) return NO_USE;
  const cpuMilli = Number(detail.cpu) * 1000 + Number(detail.cpu_milli ?? 0);
  return { ...NO_USE, cpuMilli, memMib: Number(detail.mem) };
}

export function sumOf(uses: readonly Use[]): Use {
  return uses.reduce(
    (sum, use) => ({
      vms: sum.vms + use.vms,
      cpuMilli: sum.cpuMilli + use.cpuMilli,
      memMib: sum.memMib + use.memMib,
      addresses: sum.addresses + use.addresses,
    }),
    NO_USE,
  );
}
