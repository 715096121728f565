import type { VmUse, VmUseList, VmUseView } from '../../../api/vm.ts';
import type { Client } from '../../../client/client.ts';
import { everyPage } from '../../../client/every-page.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import type { TopLook, TopSource } from '../../live/top-view.ts';
import { cell, type Output } from '../../output/output.ts';
import { plural } from '../../output/text.ts';
import { byUse, type TopSort, useColumns } from './top-rows.ts';

export interface VmFilter {
  readonly host: string | null;
  readonly vms: readonly string[] | null;
}

/** A VM of which something is known. */
type UsedVm = VmUse & Omit<VmUseView, 'use'>;

/** What VMs use, as their hosts tell the server. */
export class VmsOfServer implements TopSource {
  readonly #client: Client;
  readonly #filter: VmFilter;

  private constructor(client: Client, filter: VmFilter) {
    this.#client = client;
    this.#filter = filter;
  }

  /** Errors: COAX_NOT_FOUND for a VM or host that there is not; those of the client. */
  static async open(client: Client, filter: VmFilter): Promise<VmsOfServer> {
    if (filter.host !== null) await assertHost(client, filter.host);
    const source = new VmsOfServer(client, filter);
    const names = new Set((await source.#read()).map(({ name }) => name));
    const missing = (filter.vms ?? []).filter(name => !names.has(name));
    if (missing.length === 0) return source;
    const where = filter.host === null ? '' : ` on ${filter.host}`;
    throw new CoaxError('COAX_NOT_FOUND', `there is no VM ${missing.join(', no VM ')}${where}`, {
      where: '--vm',
      hint: '`coax vm ls` lists the VMs.',
    });
  }

  async look(): Promise<TopLook> {
    const all = await this.#read();
    const used = all.flatMap(({ use, ...vm }) => (use === null ? [] : [{ ...vm, ...use }]));
    const silent = all.filter(({ use }) => use === null);
    const at = new Date().toISOString();
    return {
      answer: (sort, limit) => ({ at, items: [...inOrder(used, sort), ...silent].slice(0, limit) }),
      lines: (out, sort, limit) => linesOf(out, byUse(used, sort).slice(0, limit), silent.length, sort),
      names: (sort, limit) => [...byUse(used, sort), ...silent].slice(0, limit).map(({ name }) => name),
    };
  }

  async #read(): Promise<VmUseList['items']> {
    const { host, vms } = this.#filter;
    const { items } = await everyPage(query =>
      this.#client.vmsUse({ ...query, ...(host !== null && { host }) }),
    );
    return vms === null ? items : items.filter(({ name }) => vms.includes(name));
  }

  [Symbol.dispose](): void {}
}

/** As the API has them, in the order of their use. */
function inOrder(used: readonly UsedVm[], sort: TopSort): VmUseView[] {
  return byUse(used, sort).map(vm => {
    const { name, uuid, host, project, msgid, state, simulated, ...use } = vm;
    return { name, uuid, host, project, msgid, state, simulated, use };
  });
}

function linesOf(out: Output, rows: readonly UsedVm[], silent: number, sort: TopSort): string[] {
  const sum = rows.reduce((so, row) => so + row.cpuPercent, 0);
  const rest = silent === 0 ? '' : `   ${silent} of which nothing is known: stopped, simulated, or not told`;
  return [
    `${plural(rows.length, 'VM')}   CPU ${sum.toFixed(0)}%${rest}`,
    ...(rows.length === 0
      ? []
      : out.table(rows, [
          { head: 'VM', cell: row => cell(row.name) },
          { head: 'HOST', cell: row => cell(row.host) },
          ...useColumns<UsedVm>(sort),
          { head: 'PROJECT', wide: true, cell: row => cell(row.project) },
          { head: 'MSGID', right: true, wide: true, cell: row => cell(row.msgid) },
          { head: 'TOLD', right: true, cell: row => out.time(row.at) },
        ])),
  ];
}

/** Who may not see hosts is told of its VMs there all the same. */
async function assertHost(client: Client, host: string): Promise<void> {
  try {
    await client.host(host);
  } catch (error) {
    if (!(error instanceof CoaxError) || error.code !== 'COAX_FORBIDDEN') throw error;
  }
}
