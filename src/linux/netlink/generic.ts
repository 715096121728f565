import { LinuxError } from '../linux-error.ts';
import { ErrnoError } from '../native/errno.ts';
import { constants } from '../native/tables.ts';
import { NetlinkSocket } from './socket.ts';
import { attribute, attributesIn } from './wire.ts';

/** Bytes before the attributes. */
export const GENL_HEADER = 4;

/** Command and version of a generic netlink message. Source: linux/genetlink.h. */
export const genericHead = (command: number): Buffer => Buffer.from([command, 1, 0, 0]);

/** Number of a family of generic netlink. Errors: LinuxError ENOENT where the kernel has it not. */
export async function genericFamily(name: string): Promise<number> {
  using socket = new NetlinkSocket(Number(constants().NETLINK_GENERIC));
  return await familyBy(socket, name);
}

/** The same over a socket that is open. */
export async function familyBy(socket: NetlinkSocket, name: string): Promise<number> {
  const { GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, CTRL_ATTR_FAMILY_ID } = constants();
  try {
    const asked = Buffer.concat([
      genericHead(Number(CTRL_CMD_GETFAMILY)),
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
