import type { Client } from '../../../client/client.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import type { Output } from '../../output/output.ts';
import { defineVerb, wholeNumber } from '../../verb.ts';

interface ConsoleOptions {
  readonly follow?: boolean;
  readonly interactive?: boolean;
  readonly bytes: number;
}

/** Ctrl-], as telnet has it. */
const LEAVE = 0x1d;

/** A VM's serial console: its last lines, what follows, or a session. */
export const verb = defineVerb<ConsoleOptions>({
  examples: [
    ['coax vm console web-3', 'what it wrote last'],
    ['coax vm console web-3 -f', 'and what it writes now; Ctrl-C leaves'],
    ['coax vm console web-3 -i', 'a session: keys go to the VM; Ctrl-] leaves'],
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
    const tail = await client.console(name, options.bytes);
    await out.object(tail, tail.name, () => out.stdout.write(tail.text));
    if (tail.text === '') out.hint('it has written nothing yet');
    if (!options.follow && !options.interactive) return 0;
    if (options.interactive && !process.stdin.isTTY) {
      throw new CoaxError('COAX_USAGE', 'a session needs a terminal', {
        where: '-i',
        hint: 'Use -f to follow.',
      });
    }
    await session(client, name, out, options.interactive === true);
    return 0;
  },
});

async function session(client: Client, name: string, out: Output, interactive: boolean): Promise<void> {
  const socket = await client.serial(name);
  const ended = Promise.withResolvers<void>();
  socket.onmessage = event => {
    out.stdout.write(typeof event.data === 'string' ? event.data : Buffer.from(event.data as ArrayBuffer));
  };
  socket.onclose = () => ended.resolve();
  socket.onerror = () =>
    ended.reject(new CoaxError('COAX_HYPERVISOR', `the console of ${name} cannot be opened`));
  const onKeys = (keys: Buffer) =>
    keys.includes(LEAVE) ? socket.close() : socket.send(new Uint8Array(keys));
  const onInterrupt = () => socket.close();
  process.once('SIGINT', onInterrupt);
  if (interactive) {
    out.hint(`session with ${name}; Ctrl-] leaves\r`);
    process.stdin.setRawMode(true).on('data', onKeys).resume();
  }
  try {
    await ended.promise;
  } finally {
    process.off('SIGINT', onInterrupt);
    if (interactive) process.stdin.off('data', onKeys).setRawMode(false).pause();
  }
}
