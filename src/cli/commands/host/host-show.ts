import type { HostView } from '../../../api/host.ts';
import type { CoaxClient } from '../../../client/client.ts';
import { everyPage } from '../../../client/every-page.ts';
import { CoaxError, isCoaxError } from '../../../errors/coax-error.ts';
import { meantHint } from '../../../errors/nearest.ts';
import { cell, type Output } from '../../output/output.ts';
import { styleStatus } from '../../output/style.ts';
import { plural } from '../../output/text.ts';
import { defineVerb } from '../../verb.ts';
import { labels, memory, SIMULATED, vmColumns } from '../cloud/columns.ts';

/** One host and the VMs on it. */
export const verb = defineVerb({
  examples: [
    ['coax host show h1', 'its capacity and its VMs'],
    ['coax host show h1 -o json', 'for a program'],
  ],
  args: [{ name: '<host>', about: 'Name of the host', completes: 'host' }],
  async run(context, [name = '']) {
    const { out } = context;
    const client = await context.client();
    const host = await client.host(name).catch(error => unknownHost(error, client, name));
    const found = await everyPage(query => client.vms({ ...query, find: name }));
    const vms = found.items.filter(vm => vm.host === name);
    await out.object(host, host.name, () => {
      out.fields([
        ['name', cell(host.name)],
        ['note', host.simulated ? out.style('yellow', SIMULATED) : null],
        ['state', `${styleStatus(out.style, host.state)} ${cell(host.reason)}`.trim()],
        ['since', host.since === null ? null : out.time(host.since)],
        ['owed', host.owed === 0 ? null : `${plural(host.owed, 'guest')} to delete`],
        ['cpu', `${host.cpu.used} used, ${host.cpu.free} free of ${host.cpu.total} × ${host.cpu.overcommit}`],
        [
          'mem',
          `${memory(host.memMib.used)} used, ${memory(host.memMib.free)} free of ${memory(host.memMib.total)}`,
        ],
        [
          'disk',
          host.diskMib.total > 0
            ? `${memory(host.diskMib.used)} used, ${memory(host.diskMib.free)} free of ${memory(host.diskMib.total)}`
            : null,
        ],
        ['reserved', reserved(host)],
        ['gpus', gpus(host.gpu)],
        ['numa', host.numa.map(cells).join(', ') || null],
        ['vms', host.vmsMax > 0 ? `${host.vms} of at most ${host.vmsMax}` : String(host.vms)],
        ['hypervisor', `${cell(host.hypervisor)} ${cell(host.accelerator)}`],
        ['zone', cell(host.zone)],
        ['rack', host.rack ? cell(host.rack) : null],
        ['labels', labels(host.labels)],
        ['network', cell(host.network)],
        ['seen', out.time(host.agent?.lastReport ?? host.seen)],
        ...agentFields(out, host),
      ]);
      if (vms.length === 0) return;
      out.line();
      for (const line of out.table(
        vms,
        vmColumns(out).filter(column => column.head !== 'HOST'),
      ))
        out.line(line);
    });
    return 0;
  },
});

function agentFields(out: Output, { agent }: HostView): [string, string | null][] {
  if (agent === null) return [];
  const { live } = agent;
  return [
    ['agent', `${cell(agent.version)}${agent.revoked ? ', its key is revoked' : ''}`],
    ['address', cell(agent.address)],
    ['joined', out.time(agent.enrolled)],
    ['report', agent.lastReport === null ? 'none yet' : out.time(agent.lastReport)],
    [
      'returns',
      agent.returnsUntil &&
        `its agent is being started anew, and must be back ${out.timeLeft(agent.returnsUntil)}`,
    ],
    [
      'live',
      live &&
        `load ${live.load1}, ${memory(live.memAvailableMib)} memory and ${memory(live.diskFreeMib)} disk free, ${live.guestsRunning} guests running`,
    ],
  ];
}

/** What is kept for the host itself. */
function reserved({ cpu, memMib, diskMib }: HostView): string | null {
  const parts = [
    cpu.reserved > 0 ? `${cpu.reserved} CPUs` : '',
    memMib.reserved > 0 ? memory(memMib.reserved) : '',
    diskMib.reserved > 0 ? `${memory(diskMib.reserved)} of disk` : '',
  ];
  return parts.filter(Boolean).join(', ') || null;
}

/** `T4: 1.5 used of 4`. */
function gpus({ model, total, used }: HostView['gpu']): string | null {
  const whole = (milli: readonly number[]): number => milli.reduce((sum, of) => sum + of, 0) / 1000;
  return total.length > 0 ? `${cell(model)}: ${whole(used)} used of ${whole(total)}` : null;
}

const cells = ({ cpuMilli, memMib, used }: HostView['numa'][number]): string =>
  `${used.cpuMilli / 1000} of ${cpuMilli / 1000} CPUs and ${memory(used.memMib)} of ${memory(memMib)}`;

/** With the names that are like it. */
async function unknownHost(error: unknown, client: CoaxClient, name: string): Promise<never> {
  if (!isCoaxError(error, 'COAX_NOT_FOUND')) throw error;
  const { items } = await everyPage(query => client.hosts(query));
  const hint = `${meantHint(
    name,
    items.map(item => item.name),
  )}\`coax host ls\` lists the hosts.`;
  throw new CoaxError('COAX_NOT_FOUND', `no host is called ${name}`, { hint });
}
