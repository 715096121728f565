import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { MessageView } from '../../../api/message.ts';
import type { Client } from '../../../client/client.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import type { Context } from '../../context.ts';
import { isCoaxProcess, readServerFile } from '../../data-dir.ts';
import { isResting } from '../../live/view.ts';
import { plural } from '../../output/text.ts';
import { defineVerb, lengthOfTime } from '../../verb.ts';

interface DownOptions {
  readonly purge?: boolean;
  readonly timeout?: number;
}

const TIMEOUT_MS = 60_000;
const LOOK_MS = 50;

/** Stops the server of the data directory; its VMs run on unless `--purge`. */
export const verb = defineVerb<DownOptions>({
  examples: [
    ['coax down', 'let the steps under way end, then stop; VMs run on'],
    ['coax down --purge', 'remove every VM first, by reverting the messages that made them'],
  ],
  options: [
    { flags: '--purge', about: 'Remove all VMs with their networks first; the ledger stays' },
    { flags: '--timeout <time>', about: 'How long to wait for it to end (default 1m)', parse: lengthOfTime },
  ],
  statuses: [
    [0, 'it has ended, or none ran'],
    [8, 'it has not ended yet'],
  ],
  async run(context, _args, options) {
    const { out, dataDir } = context;
    const file = readServerFile(dataDir);
    if (!file?.alive) {
      if (file) rmSync(join(dataDir, 'server.json'), { force: true });
      out.hint(file ? `the server (pid ${file.pid}) was gone already` : `no server runs in ${dataDir}`);
      return 0;
    }
    if (options.purge) await purge(context);
    process.kill(file.pid, 'SIGTERM');
    await untilGone(file.pid, options.timeout ?? TIMEOUT_MS);
    await out.object({ pid: file.pid, url: file.url }, String(file.pid), () =>
      out.line(`stopped (pid ${file.pid})`),
    );
    return 0;
  },
});

async function untilGone(pid: number, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (isCoaxProcess(pid)) {
    if (Date.now() > deadline) {
      throw new CoaxError('COAX_WAIT_TIMEOUT', `the server (pid ${pid}) still lets steps end`, {
        hint: `Wait on with \`coax down\` again; \`kill -9 ${pid}\` loses nothing that was accepted.`,
      });
    }
    await new Promise(done => setTimeout(done, LOOK_MS));
  }
}

/** Every VM goes by its message's walk back, so the ledger tells of it and nothing is left behind. */
async function purge({ client: connect, out }: Context): Promise<void> {
  const client = await connect();
  const { items } = await client.vms();
  const roots = new Set(await Promise.all(items.map(vm => rootOf(client, vm.msgid))));
  const ended = await Promise.all([...roots].map(msgid => walkBack(client, msgid)));
  const parked = ended.filter(message => message.status === 'parked');
  if (parked.length > 0) {
    throw new CoaxError('COAX_PARKED', `${plural(parked.length, 'message')} could not be walked back`, {
      where: parked.map(message => `message ${message.msgid}`).join(', '),
      hint: `The server still runs. coax resolve ${parked[0]?.msgid} retry|skip|edit|undone --reason …`,
    });
  }
  out.hint(`removed ${plural(items.length, 'VM')}`);
}

/** A VM that a branch of a group made goes with the whole group. */
async function rootOf(client: Client, msgid: number): Promise<number> {
  const { parent } = await client.message(msgid);
  return parent === null ? msgid : rootOf(client, parent.msgid);
}

async function walkBack(client: Client, msgid: number): Promise<MessageView> {
  const reason = 'coax down --purge';
  const { status } = await client.message(msgid);
  if (status === 'done') await client.revert(msgid, { reason, force: true });
  else if (!isResting(status)) await client.cancel(msgid, { reason });
  return client.waitFor(msgid);
}
