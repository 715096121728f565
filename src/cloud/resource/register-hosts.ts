import type { Tx } from '../../store/tx.ts';
import { cloudTables, type HostRow } from '../schema.ts';

/** A host that this server runs, as it is at this start. */
export interface HostSpec {
  readonly name: string;
  readonly cpuTotal: number;
  readonly cpuOvercommit: number;
  readonly memTotalMib: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly zone: string;
  readonly network: string;
  /** Why it cannot take VMs; empty when it can. */
  readonly reason: string;
  readonly hypervisor: HostRow['hypervisor'];
  readonly accelerator: string;
  readonly simulated: boolean;
}

/** Writes the hosts, keeping what is claimed of each. One that a person is draining stays so. */
export async function registerHosts(tx: Tx, specs: readonly HostSpec[]): Promise<void> {
  const db = cloudTables(tx.db);
  for (const spec of specs) {
    const known = await db.selectFrom('hosts').selectAll().where('name', '=', spec.name).executeTakeFirst();
    const facts = {
      cpu_total: spec.cpuTotal,
      cpu_overcommit: spec.cpuOvercommit,
      mem_total_mib: spec.memTotalMib,
      labels: JSON.stringify(spec.labels),
      zone: spec.zone,
      network: spec.network,
      state: spec.reason
        ? ('down' as const)
        : known?.state === 'draining'
          ? ('draining' as const)
          : ('up' as const),
      reason: spec.reason,
      hypervisor: spec.hypervisor,
      accelerator: spec.accelerator,
      simulated: Number(spec.simulated),
      seen: tx.now,
    };
    if (known) await db.updateTable('hosts').set(facts).where('name', '=', spec.name).execute();
    else {
      const fresh = { name: spec.name, cpu_used: 0, mem_used_mib: 0, created: tx.now, agent: 0, ...facts };
      await db.insertInto('hosts').values(fresh).execute();
    }
  }
}

/** Marks hosts as down that this server does not run any more. */
export async function retireHosts(tx: Tx, names: readonly string[], reason: string): Promise<void> {
  if (names.length === 0) return;
  await cloudTables(tx.db)
    .updateTable('hosts')
    .set({ state: 'down', reason })
    .where('name', 'in', [...names])
    .execute();
}
