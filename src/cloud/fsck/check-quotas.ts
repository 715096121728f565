import { NO_USE, sumOf, useOf } from '../quota/use.ts';
import type { Books } from './books.ts';
import type { FsckFault } from './fsck-fault.ts';

/** What is counted against each quota is what the messages of its project hold. */
export function checkQuotas({ quotas, claims, vms, addresses, projects }: Books): FsckFault[] {
  if (quotas.length === 0) return [];
  const held = Map.groupBy([...claims, ...vms, ...addresses], ({ msgid }) => projects.get(msgid) ?? '');
  return quotas.flatMap(row => {
    const of = held.get(row.project) ?? [];
    const use = of.length === 0 ? NO_USE : sumOf(of.map(({ kind, detail }) => useOf(kind, detail)));
    const figures: [string, number, number][] = [
      ['VMs', Number(row.vms_used), use.vms],
      ['thousandths of CPUs', Number(row.cpu_milli_used), use.cpuMilli],
      ['MiB of memory', Number(row.mem_mib_used), use.memMib],
      ['addresses', Number(row.addresses_used), use.addresses],
    ];
    return figures
      .filter(([, counted, real]) => counted !== real)
      .map(([what, counted, real]) => ({
        kind: 'quota',
        where: `project ${row.project}`,
        reason: `${counted} ${what} are counted against its quota, and its messages hold ${real}`,
        hint: `\`coax quota set ${row.project}\` counts anew.`,
      }));
  });
}
