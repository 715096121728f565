import { CoaxError } from '../../../errors/coax-error.ts';
import type { Context } from '../../context.ts';
import { showTop, type TopSource } from '../../live/top-view.ts';
import { defineVerb, lengthOfTime, UsageFault, wholeNumber } from '../../verb.ts';
import { told } from './linux-fault.ts';
import { ProcessesHere } from './top-here.ts';
import { SORTS, type TopSort } from './top-rows.ts';
import { VmsOfServer } from './top-vms.ts';

interface TopFlags {
  readonly limit?: number;
  /** Milliseconds. */
  readonly delay?: number;
  readonly sort: TopSort;
  readonly pid?: readonly string[];
  readonly vm?: readonly string[];
  readonly vms?: boolean;
  readonly host?: string;
  readonly batch?: boolean;
  readonly once?: boolean;
}

const DELAY_MS = 2000;
const LEAST_MS = 100;

/** What processes and VMs use now. */
export const verb = defineVerb<TopFlags>({
  examples: [
    ['coax top', 'processes of this machine; c, m, r, w, i and d sort, q ends'],
    ['coax top --sort write -d 5s', 'who writes to the disks'],
    ['coax top --vms', 'VMs of all hosts, as their hosts tell the server; --host H: of one'],
    ['coax top --once -d 10s -o json', 'for a program: what was used in 10 seconds'],
  ],
  details: [
    'CPU% is 100 for one CPU. PSS is the share of memory: a page that three processes use counts a third for each. READ/S and WRITE/S are what came from disks and went to them, not to the cache. IO% is how much of the time its threads waited for disks, as iotop shows it; the kernel counts that where kernel.task_delayacct is 1.',
    'With --vms it asks the server, and shows what each VM used over the last seconds before its host told so; the process of a VM at its host counts as the VM. Without --vms it looks at this machine alone, and no server is needed.',
    'Without a terminal, and for programs, it looks once; --batch goes on. What others read and write is told to root alone.',
  ],
  options: [
    { flags: '-n, --limit <n>', about: 'Rows at most (else as many as fit)', parse: wholeNumber(1) },
    { flags: '-d, --delay <time>', about: 'From one look to the next (else 2s)', parse: delay },
    { flags: '--sort <figure>', about: 'What comes first', choices: SORTS, default: 'cpu' },
    { flags: '--pid <pid>', about: 'This process; may be given several times', repeats: true },
    {
      flags: '--vm <name>',
      about: 'This VM, or its process here; may be given several times',
      repeats: true,
      completes: 'vm',
    },
    { flags: '--vms', about: 'VMs of all hosts, from the server' },
    { flags: '--host <host>', about: 'VMs of this host, from the server', completes: 'host' },
    { flags: '--batch', about: 'One picture after the other, without end, also for programs' },
    { flags: '--once', about: 'One look, and end' },
  ],
  async run(context, _args, flags) {
    const { out } = context;
    using source = await open(context, flags);
    const isDrawnOver = out.stdout.isTTY === true && out.forPeople && !flags.once && !flags.batch;
    await told('this machine', () =>
      showTop(source, out, {
        delayMs: flags.delay ?? DELAY_MS,
        sort: flags.sort,
        ...(flags.limit !== undefined && { limit: flags.limit }),
        ...(!isDrawnOver && { times: flags.batch && !flags.once ? Number.POSITIVE_INFINITY : 1 }),
      }),
    );
    return 0;
  },
});

async function open(context: Context, flags: TopFlags): Promise<TopSource> {
  const { pid, vm, vms, host } = flags;
  if (vms || host !== undefined) {
    if (pid !== undefined)
      throw new CoaxError('COAX_USAGE', 'a process is of this machine, not of a server', {
        where: '--pid',
        hint: 'Leave --vms and --host out.',
      });
    return VmsOfServer.open(await context.client(), { host: host ?? null, vms: vm ?? null });
  }
  const filter = { pids: pid?.map(pidOf) ?? null, vms: vm ?? null };
  return await told('this machine', () => ProcessesHere.open(filter));
}

function delay(text: string): number {
  const ms = lengthOfTime(text);
  if (ms < LEAST_MS) throw new UsageFault('expected 100ms or more');
  return ms;
}

function pidOf(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new CoaxError('COAX_USAGE', `expected the number of a process, not ${JSON.stringify(text)}`, {
    where: '--pid',
    hint: '`pgrep NAME` finds it.',
  });
}
