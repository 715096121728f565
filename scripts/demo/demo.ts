/** The README's main command: a real VM by the four-step message, then the rest of the story. See scripts/demo.sh. */
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';
import { findServer } from '../../src/cli/context.ts';
import { usualDataDir } from '../../src/cli/data-dir.ts';
import { makeClient } from '../../src/client/client.ts';
import { ask, expect, Failed, say, show, startWorker, until } from './stage.ts';

const HERE = fileURLToPath(new URL('../../examples/demo', import.meta.url));
const FLOWS = `${HERE}/flows`;
const MODULES = `${HERE}/modules`;
const NAME = 'demo';
const simulate = process.argv.includes('--simulate');

interface Message {
  msgid: number;
  status: string;
  cursor: number;
  worker: string | null;
  parameters: Record<string, string>;
}
interface Vm {
  name: string;
  url: string | null;
  simulated: boolean;
}

async function main(): Promise<void> {
  process.stdout.write(
    'Coax: a message carries its own plan over a shared channel; workers do it step by step; what fails is undone.\n',
  );
  const server = await startServer();
  const vm = await createVm();
  await surviveAWorker();
  await failAndRollBack();
  say('5. Everything that happened stands in the ledger, and it verifies.');
  await expect(0, 'fsck');
  farewell(server, vm);
}

/** A server on the usual data directory: the one that runs, or a new one. */
async function startServer(): Promise<string> {
  say('1. A server: store, worker, cloud and HTTP API in one process.');
  const running = await ask<{ ok: boolean }>('status').catch(() => null);
  if (running === null) {
    await expect(0, 'up', '--detach', '--flows', FLOWS, ...(simulate ? ['--simulate'] : []));
  }
  const flows = await ask<{ items: { name: string }[] }>('flow', 'ls');
  if (!flows.items.some(flow => flow.name === 'enlist_rack')) {
    throw new Failed(
      'a server runs here that does not know the demo: end it with `coax down`, or set COAX_DATA to another folder',
    );
  }
  const { url } = await ask<{ url: string }>('status');
  return url;
}

async function createVm(): Promise<Vm> {
  const { items } = await ask<{ items: Vm[] }>('vm', 'ls');
  if (items.some(vm => vm.name === NAME)) {
    say('   The VM of the last demo goes first: the message that made it is walked back.');
    await expect(0, 'vm', 'rm', NAME, '--wait');
  }
  say('2. One message of four steps makes a VM: select_host, alloc_ip, create_vm, update_info.');
  await expect(0, 'run', 'create_vm', 'cpu=1', 'mem=128', `name=${NAME}`, '--wait');
  const vm = await ask<Vm>('vm', 'show', NAME);
  if (vm.simulated) {
    say('   The VM is simulated (--simulate): nothing answers at its address.');
  } else {
    await fetchPage(vm);
  }
  return vm;
}

/** The guest's own page, at the address that alloc_ip gave. */
async function fetchPage(vm: Vm): Promise<void> {
  if (vm.url === null) throw new Failed('the VM has no address');
  say('   The guest answers over HTTP at the address that alloc_ip gave:');
  process.stdout.write(`${styleText('cyan', `$ curl ${vm.url}`)}\n`);
  const answer = await fetch(vm.url, { signal: AbortSignal.timeout(20_000) });
  const page = await answer.text();
  if (!page.includes(NAME)) throw new Failed(`the page at ${vm.url} is not the guest's`);
  const lines = page
    .replaceAll(/<style>.*<\/style>/gs, '')
    .replaceAll(/<[^>]+>/g, ' ')
    .split('\n');
  for (const line of lines.map(text => text.trim().replaceAll(/\s+/g, ' ')).filter(Boolean))
    process.stdout.write(`  ${line}\n`);
}

/** A worker is killed in the middle of a step; the other carries on at the cursor. */
async function surviveAWorker(): Promise<void> {
  say(
    '3. Workers are stateless. Two serve the module `rack`; the one that has the message is killed in the middle.',
  );
  const workers = new Map(['alice', 'bob'].map(name => [name, startWorker(name, MODULES)]));
  const { url, token } = findServer(usualDataDir());
  // The second step takes two seconds: a command would begin too slowly on a busy machine.
  const client = makeClient({ url, token: token ?? '' });
  try {
    let { msgid } = await ask<Message>('run', 'enlist_rack', 'rack=r1');
    let looking = show('wait', String(msgid));
    const victim = await until('the second step', 300_000, async () => {
      const { cursor, worker, status } = await client.message(msgid);
      if (cursor === 1 && worker !== null && workers.has(worker)) return worker;
      if (status === 'done' && (await looking) === 0) {
        ({ msgid } = await ask<Message>('run', 'enlist_rack', 'rack=r1'));
        looking = show('wait', String(msgid));
      }
    });
    workers.get(victim)?.kill('SIGKILL');
    process.stdout.write(
      `${styleText('cyan', `$ kill -9 ${workers.get(victim)?.pid}`)}   # ${victim}, in the middle of \`rack burn_in\`\n`,
    );
    if ((await looking) !== 0) throw new Failed('the message did not end well');
    await expect(0, 'log', String(msgid), '--oneline');
  } finally {
    client.close();
    for (const worker of workers.values()) worker.kill('SIGTERM');
  }
}

async function failAndRollBack(): Promise<void> {
  say('4. A step that fails turns the message back: what was done is undone, in reverse.');
  const worker = startWorker('carol', MODULES);
  try {
    await expect(1, 'run', 'enlist_rack', 'rack=r2', 'burn_in_fails=true', '--wait');
  } finally {
    worker.kill('SIGTERM');
  }
  await expect(0, 'log', '@');
}

function farewell(url: string, vm: Vm): void {
  const data = process.env.COAX_DATA === undefined ? '' : `   with COAX_DATA=${process.env.COAX_DATA}\n`;
  say(
    `The server (${url}) and the VM ${vm.name}${vm.simulated ? ' (SIMULATED)' : ` (${vm.url})`} run on. Try:`,
  );
  process.stdout.write(
    `${data}  bin/coax vm ls\n  bin/coax log @ -p\n  bin/coax run create_vm cpu=2 mem=256 --wait\n  bin/coax vm rm ${vm.name} --wait\n\n  bin/coax down --purge   # ends it all\n`,
  );
}

try {
  await main();
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
