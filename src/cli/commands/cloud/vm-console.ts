import type { Client } from '../../../client/client.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import type { Output } from '../../output/output.ts';
import { defineVerb, wholeNumber } from '../../verb.ts';

interface ConsoleOptions {
  readonly follow?: boolean;
  readonly interactive?: boolean;
  readonly bytes: number;
}

/** The server keeps no more. */
const SCROLLBACK_BYTES_MAX = 256 * 1024;
/** Ctrl-], as telnet has it. */
const LEAVE = 0x1d;

/** A VM's serial console: its last lines, what follows, or a session. */
export const verb = defineVerb<ConsoleOptions>({
  examples: [
    ['coax vm console web-3', 'what it wrote last'],
    ['coax vm console web-3 -f', 'and what it writes now; Ctrl-C leaves'],
    ['coax vm console web-3 -i', 'a session: keys go to the VM; Ctrl-] leaves'],
  ],
  details: [
    'Several may watch and type at once, here and in the browser. The VM may be at any host: its agent carries the line.',
  ],
  args: [{ name: '<vm>', about: 'Name, or first digits of the uuid', completes: 'vm' }],
  options: [
    { flags: '-f, --follow', about: 'Go on printing what it writes' },
    { flags: '-i, --interactive', about: 'Send keys to it' },
    {
      flags: '-b, --bytes <n>',
      about: 'How much of the past to print',
      default: 16_384,
      parse: wholeNumber(1),
    },
  ],
  async run(context, [name = ''], options) {
    const { out } = context;
    const client = await context.client();
    if (!options.follow && !options.interactive) {
      const tail = await client.console(name, options.bytes);
      await out.object(tail, tail.name, () => out.stdout.write(tail.text));
      if (tail.text === '') out.hint('it has written nothing yet');
      return 0;
    }
    if (options.interactive && !process.stdin.isTTY) {
      throw new CoaxError('COAX_USAGE', 'a session needs a terminal', {
        where: '-i',
        hint: 'Use -f to follow.',
      });
    }
    await session(client, name, out, options);
    return 0;
  },
});

async function session(
  client: Client,
  name: string,
  out: Output,
  { interactive = false, bytes }: ConsoleOptions,
): Promise<void> {
  const scrollback = Math.min(bytes, SCROLLBACK_BYTES_MAX);
  const socket = await client.serial(name, { scrollback, readonly: !interactive });
  const ended = Promise.withResolvers<void>();
  socket.onmessage = ({ data }) => {
    if (typeof data !== 'string') return void out.stdout.write(Buffer.from(data as ArrayBuffer));
    const news = JSON.parse(data) as { type: string; bytes?: number };
    if (news.type === 'skipped') out.hint(`${news.bytes} bytes were left out: this terminal was too slow\r`);
    if (news.type === 'overrun') out.hint(`${news.bytes} bytes were dropped: the VM does not read\r`);
  };
  let isOver = false;
  socket.onclose = ({ code, reason }) => {
    if (code === 1000 || isOver) ended.resolve();
    else ended.reject(new CoaxError('COAX_HYPERVISOR', reason || `the console of ${name} was cut off`));
  };
  socket.onerror = () =>
    ended.reject(new CoaxError('COAX_HYPERVISOR', `the console of ${name} cannot be opened`));
  const leave = () => {
    isOver = true;
    socket.close();
  };
  const onKeys = (keys: Buffer) => (keys.includes(LEAVE) ? leave() : socket.send(new Uint8Array(keys)));
  const onInterrupt = leave;
  process.once('SIGINT', onInterrupt);
  if (interactive) {
    process.stdin.setRawMode(true).on('data', onKeys).resume();
    out.hint(`session with ${name}; Ctrl-] leaves\r`);
  }
  try {
    await ended.promise;
  } finally {
    process.off('SIGINT', onInterrupt);
    if (interactive) process.stdin.off('data', onKeys).setRawMode(false).pause();
  }
}
