import { connect } from 'node:net';
import { CoaxError } from '../errors/coax-error.ts';
import type { LineEvents, LineSource, SerialLine } from './serial-line.ts';

/** So much waits for a guest that does not read. */
const INPUT_BYTES_MAX = 64 * 1024;

/** What is asked of a hypervisor here. */
export interface LocalGuests {
  /** Unix socket of the guest's serial line; null when it has none now. */
  serialSocket(uuid: string): Promise<string | null>;
  consoleTail(uuid: string, bytes: number): Promise<string>;
}

/** The lines of guests on this machine. A hypervisor serves one client of a line at a time: open each once. */
export const localLines = (guests: LocalGuests): LineSource => ({
  async open(uuid, tailBytes, events) {
    const path = await guests.serialSocket(uuid);
    if (path === null) throw noLine(uuid);
    return openGuestLine(path, async () => guests.consoleTail(uuid, tailBytes), events);
  },
  tail: (uuid, bytes) => guests.consoleTail(uuid, bytes),
});

function noLine(where: string): CoaxError {
  return new CoaxError('COAX_HYPERVISOR', `${where} has no serial line now`, {
    where,
    hint: 'It is stopped, or its hypervisor is simulated.',
  });
}

async function openGuestLine(
  path: string,
  tail: () => Promise<string>,
  events: LineEvents,
): Promise<SerialLine> {
  const socket = connect(path);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', cause =>
      reject(new CoaxError('COAX_HYPERVISOR', 'the serial line does not answer', { where: path, cause })),
    );
  });
  let ended = false;
  const end = (reason: string): void => {
    if (ended) return;
    ended = true;
    socket.destroy();
    events.onEnd(reason);
  };
  socket.on('error', () => end('the serial line is gone'));
  socket.on('close', () => end('the serial line ended'));
  // Opened first, then read back: nothing is missed between the two.
  const past = await tail();
  if (past !== '') events.onData(Buffer.from(past));
  socket.on('data', chunk => events.onData(chunk));
  return {
    write(bytes) {
      const room = Math.max(0, INPUT_BYTES_MAX - socket.writableLength);
      if (room > 0) socket.write(bytes.subarray(0, room));
      return Math.max(0, bytes.length - room);
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close() {
      ended = true;
      socket.destroy();
    },
  };
}
