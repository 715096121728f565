import { LinuxError } from '../linux-error.ts';
import { ErrnoError } from '../native/errno.ts';
import { fieldsOf, struct } from '../native/structs.ts';
import { constants } from '../native/tables.ts';
import { NetlinkSocket } from './socket.ts';
import { attribute, attributesIn, u32Of } from './wire.ts';

const GENL_HEADER = 4;

/** Command and version of a generic netlink message. Source: linux/genetlink.h. */
const head = (command: number): Buffer => Buffer.from([command, 1, 0, 0]);

/** Number of a family of generic netlink. Errors: LinuxError ENOENT where the kernel has it not. */
export async function genericFamily(name: string): Promise<number> {
  using socket = new NetlinkSocket(Number(constants().NETLINK_GENERIC));
  return await familyBy(socket, name);
}

async function familyBy(socket: NetlinkSocket, name: string): Promise<number> {
  const { GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, CTRL_ATTR_FAMILY_ID } = constants();
  try {
    const asked = Buffer.concat([
      head(Number(CTRL_CMD_GETFAMILY)),
      attribute(Number(CTRL_ATTR_FAMILY_NAME), Buffer.from(`${name}\0`)),
    ]);
    const { content } = await socket.ask(Number(GENL_ID_CTRL), asked);
    return attributesIn(content, GENL_HEADER).get(Number(CTRL_ATTR_FAMILY_ID))!.readUInt16LE(0);
  } catch (error) {
    if (error instanceof ErrnoError && error.code === 'ENOENT')
      throw new LinuxError('ENOENT', `this kernel has no generic netlink family ${name}`);
    throw error;
  }
}

/**
 * The kernel's accounts of a process (`TASKSTATS_CMD_ATTR_PID`: of one thread; of all its threads with `isGroup`), by the names of
 * linux/taskstats.h: nanoseconds for delays, bytes for I/O. Delays are counted where kernel.task_delayacct is 1.
 *
 * Errors: LinuxError ENOENT where the kernel has no TASKSTATS; ErrnoError EPERM without CAP_NET_ADMIN, ESRCH.
 */
export async function processAccounts(pid: number, isGroup = true): Promise<Record<string, unknown>> {
  const known = constants();
  using socket = new NetlinkSocket(Number(known.NETLINK_GENERIC));
  const family = await familyBy(socket, 'TASKSTATS');
  const number = Buffer.alloc(4);
  number.writeUInt32LE(pid);
  const by = isGroup ? known.TASKSTATS_CMD_ATTR_TGID : known.TASKSTATS_CMD_ATTR_PID;
  const asked = Buffer.concat([head(Number(known.TASKSTATS_CMD_GET)), attribute(Number(by), number)]);
  const { content } = await socket.ask(family, asked);
  const all = attributesIn(content, GENL_HEADER);
  const kind = isGroup ? known.TASKSTATS_TYPE_AGGR_TGID : known.TASKSTATS_TYPE_AGGR_PID;
  const inner = attributesIn(all.get(Number(kind))!, 0);
  const told = u32Of(inner.get(Number(isGroup ? known.TASKSTATS_TYPE_TGID : known.TASKSTATS_TYPE_PID)));
  if (told !== pid) throw new LinuxError('EPROTO', `the kernel told of process ${told}, not of ${pid}`);
  return fieldsOf(struct('taskstats', inner.get(Number(known.TASKSTATS_TYPE_STATS))!));
}
