import { readFileSync } from 'node:fs';
import { LinuxError } from '../linux-error.ts';
import { ErrnoError } from '../native/errno.ts';
import { fieldsOf, struct } from '../native/structs.ts';
import { constants, structTable } from '../native/tables.ts';
import { familyBy, GENL_HEADER, genericHead } from './generic.ts';
import { NetlinkSocket } from './socket.ts';
import { attribute, attributesIn, u32Of } from './wire.ts';

/** Its fields lie elsewhere than in all versions before and after it. Source: linux/taskstats.h of Linux 6.14 and 6.16. */
const MISLAID_VERSION = 15;
const CONTROL = '/proc/sys/kernel/task_delayacct';

/**
 * What a process or thread waited for, in nanoseconds in all. Null: this kernel does not count that. What a process's ended threads
 * waited is in its figures. Source: linux/taskstats.h, Documentation/accounting/delay-accounting.rst.
 */
export interface Delays {
  /** Of the struct. */
  readonly version: number;
  /** Ready to run, and no CPU was free. */
  readonly cpuNs: number;
  /** For a disk, in reads and in writes that wait for it. */
  readonly ioNs: number;
  /** For pages to come back from swap. */
  readonly swapNs: number;
  /** For memory to become free. */
  readonly reclaimNs: number | null;
  /** For pages that were thrown out of the cache a moment before. */
  readonly thrashingNs: number | null;
  readonly compactNs: number | null;
  /** For copies of pages that are written to for the first time. */
  readonly copyNs: number | null;
}

/** What a thread read from disks and wrote to them, in bytes; the kernel does not sum it up for a process. */
export interface ThreadAccounts extends Delays {
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly cancelledBytes: number;
}

/** Asks the kernel for its accounts of processes and threads, over one socket. */
export class Accounts implements Disposable {
  readonly #socket: NetlinkSocket;
  readonly #family: number;

  private constructor(socket: NetlinkSocket, family: number) {
    this.#socket = socket;
    this.#family = family;
  }

  /** Errors: LinuxError ENOENT where the kernel has no TASKSTATS; ErrnoError. */
  static async open(): Promise<Accounts> {
    const socket = new NetlinkSocket(Number(constants().NETLINK_GENERIC));
    try {
      return new Accounts(socket, await familyBy(socket, 'TASKSTATS'));
    } catch (error) {
      socket[Symbol.dispose]();
      throw error;
    }
  }

  /** Of all threads of a process. Errors: ErrnoError EPERM without CAP_NET_ADMIN, ESRCH; LinuxError EPROTO. */
  async process(pid: number): Promise<Delays> {
    return delaysOf(await this.fields(pid, true));
  }

  /** Of one thread. Errors: as `process`. */
  async thread(tid: number): Promise<ThreadAccounts> {
    const fields = await this.fields(tid, false);
    return {
      ...delaysOf(fields),
      readBytes: Number(fields.read_bytes),
      writtenBytes: Number(fields.write_bytes),
      cancelledBytes: Number(fields.cancelled_write_bytes),
    };
  }

  /** By the names of linux/taskstats.h: those that this kernel's version of it has. Errors: as `process`. */
  async fields(id: number, isGroup: boolean): Promise<Record<string, unknown>> {
    const known = constants();
    const number = Buffer.alloc(4);
    number.writeUInt32LE(id);
    const by = isGroup ? known.TASKSTATS_CMD_ATTR_TGID : known.TASKSTATS_CMD_ATTR_PID;
    const asked = Buffer.concat([
      genericHead(Number(known.TASKSTATS_CMD_GET)),
      attribute(Number(by), number),
    ]);
    const { content } = await this.#socket.ask(this.#family, asked);
    const all = attributesIn(content, GENL_HEADER);
    const kind = isGroup ? known.TASKSTATS_TYPE_AGGR_TGID : known.TASKSTATS_TYPE_AGGR_PID;
    const inner = attributesIn(all.get(Number(kind)) ?? Buffer.alloc(0), 0);
    const told = u32Of(inner.get(Number(isGroup ? known.TASKSTATS_TYPE_TGID : known.TASKSTATS_TYPE_PID)));
    if (told !== id) throw new LinuxError('EPROTO', `the kernel told of process ${told}, not of ${id}`);
    return fieldsWithin(inner.get(Number(known.TASKSTATS_TYPE_STATS))!);
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

/** The struct only grows: an older kernel's ends earlier, and what is behind its end is not there. */
export function fieldsWithin(bytes: Buffer): Record<string, unknown> {
  const fields = fieldsOf(struct('taskstats', bytes));
  if (fields.version === MISLAID_VERSION)
    throw new LinuxError(
      'EPROTO',
      'this kernel tells TASKSTATS in version 15, whose fields lie elsewhere than in all others',
      'Linux 6.16 and later, and 6.13 and before, tell them as they should be.',
    );
  const rows = structTable().get('struct taskstats')!.slice(1) as [string, string, number, number][];
  const missing = rows.filter(([, , offset, size]) => offset + size > bytes.length);
  for (const [name] of missing) delete fields[name];
  return fields;
}

function delaysOf(fields: Readonly<Record<string, unknown>>): Delays {
  const later = (name: string): number | null => (name in fields ? Number(fields[name]) : null);
  return {
    version: Number(fields.version),
    cpuNs: Number(fields.cpu_delay_total),
    ioNs: Number(fields.blkio_delay_total),
    swapNs: Number(fields.swapin_delay_total),
    reclaimNs: later('freepages_delay_total'),
    thrashingNs: later('thrashing_delay_total'),
    compactNs: later('compact_delay_total'),
    copyNs: later('wpcopy_delay_total'),
  };
}

/**
 * The kernel's accounts of a process (`TASKSTATS_CMD_ATTR_PID`: of one thread; of all its threads with `isGroup`), by the names of
 * linux/taskstats.h: nanoseconds for delays, bytes for I/O. Delays are counted where kernel.task_delayacct is 1.
 *
 * Errors: LinuxError ENOENT where the kernel has no TASKSTATS; ErrnoError EPERM without CAP_NET_ADMIN, ESRCH.
 */
export async function processAccounts(pid: number, isGroup = true): Promise<Record<string, unknown>> {
  using accounts = await Accounts.open();
  return await accounts.fields(pid, isGroup);
}

/** Whether delays are counted, or why not. */
export interface DelaysCounted {
  readonly counted: boolean;
  /** With what to do; empty when they are counted. */
  readonly reason: string;
}

/** Looks whether the kernel counts delays, and tells them to this process. Processes that were there before it began have none. */
export async function delaysCounted(): Promise<DelaysCounted> {
  const no = (reason: string): DelaysCounted => ({ counted: false, reason });
  try {
    await processAccounts(process.pid);
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
    if (error instanceof ErrnoError && error.code === 'EPERM')
      return no('TASKSTATS is told to root alone, or with CAP_NET_ADMIN');
    return no([error.message, error.hint].filter(part => part !== '').join('; '));
  }
  return controlSays() === '0'
    ? no('the kernel does not count delays; `sysctl kernel.task_delayacct=1` begins with new processes')
    : { counted: true, reason: '' };
}

/** Kernels before 5.14 have no such file, and count always. */
function controlSays(): string {
  try {
    return readFileSync(CONTROL, 'latin1').trim();
  } catch {
    return '';
  }
}
