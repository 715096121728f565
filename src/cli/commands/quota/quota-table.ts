import type { QuotaView } from '../../../api/cloud/quota.ts';
import type { Output } from '../../output/output.ts';
import { memory } from '../cloud/columns.ts';

/** Names as they are given on the command line. */
export const QUOTAS = ['vms', 'cpus', 'mem', 'addresses', 'messages', 'queued'] as const;
type Name = (typeof QUOTAS)[number];

const ABOUT: Readonly<Record<Name, string>> = {
  vms: 'VMs',
  cpus: 'CPUs',
  mem: 'memory',
  addresses: 'addresses',
  messages: 'messages accepted this minute',
  queued: 'messages that wait for a worker',
};

/** What a project may have beside what it has. */
export function printQuota(out: Output, quota: QuotaView): Promise<void> {
  return out.object(quota, quota.project, () => {
    out.fields([
      ['project', quota.project],
      ...QUOTAS.map((name): [string, string] => {
        const field = name === 'mem' ? 'memMib' : name;
        const text = (value: number): string => (name === 'mem' ? memory(value) : String(value));
        const limit = quota.limits[field];
        // These are counted for a limit alone.
        if (name === 'messages' && limit === null) return [name, 'any number in a minute'];
        return [name, `${text(quota.used[field])} of ${limit === null ? 'any' : text(limit)} ${ABOUT[name]}`];
      }),
    ]);
  });
}
