/**
 * Processes that choose and claim hosts for messages on a shared store, and know of each other. Started with URL, folder, the length of
 * a lease, its own number and how many there are it is one of them.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isOwn } from '../../../src/placement/shard.ts';
import { SERVER_FLAGS } from '../../child/server-flags.ts';
import { claimLoop, type LoopOptions, readyScheduler } from './claim-loop.ts';
import { openCloudRig } from './cloud-rig.ts';

export interface Schedulers {
  readonly pids: readonly number[];
  /** Lets them take messages. */
  go(): void;
  /** Instead: lets them choose and claim without messages; resolves when all are done, with the number of tries that were lost. */
  claim(each: number, batch: number): Promise<number>;
  /** Ends the first of them without a word, as a power cut does. */
  killOne(): Promise<void>;
  close(): Promise<void>;
}

/** Starts so many; resolves when all are ready. They serve the module `resource` alone. */
export async function startSchedulers(url: string, count: number, leaseMs = 30_000): Promise<Schedulers> {
  // Not their own: one that is killed cannot remove it.
  const dir = mkdtempSync(join(tmpdir(), 'coax-bench-'));
  const children = Array.from({ length: count }, (_, number) => {
    const args = [url, dir, ...[leaseMs, number, count].map(String)];
    return spawn(process.execPath, [...SERVER_FLAGS, import.meta.filename, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
  });
  for (const child of children) child.stdin.on('error', () => {});
  const lines = children.map(child => createInterface({ input: child.stdout }));
  const close = async (): Promise<void> => {
    for (const child of children) child.stdin.end();
    await Promise.all(children.map(ended));
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await Promise.all(
      children.map(async (child, index) => {
        const line = once(lines[index]!, 'line');
        const end = ended(child).then(() =>
          Promise.reject(new Error('a scheduler ended before it was ready')),
        );
        await Promise.race([line, end]);
        end.catch(() => {});
      }),
    );
  } catch (error) {
    await close();
    throw error;
  }
  return {
    pids: children.map(({ pid = 0 }) => pid),
    go() {
      for (const child of children) child.stdin.write('go\n');
    },
    async claim(each, batch) {
      const answers = lines.map(async line => Number(await once(line, 'line')));
      for (const [index, child] of children.entries()) {
        const options: LoopOptions = { first: 1 + index * each, count: each, batch };
        child.stdin.write(`${JSON.stringify(options)}\n`);
      }
      return (await Promise.all(answers)).reduce((sum, lost) => sum + lost, 0);
    },
    async killOne() {
      const [first] = children;
      first?.kill('SIGKILL');
      if (first) await ended(first);
    },
    close,
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** Ready, then does what each line on standard input says until that ends. */
async function serve(
  url: string,
  dir: string,
  leaseMs: number,
  number: number,
  count: number,
): Promise<void> {
  const peers = Array.from({ length: count }, (_, other) => `scheduler-${other}`);
  const name = `scheduler-${number}`;
  const yields = (address: string) => !isOwn(address, { name, peers });
  const rig = await openCloudRig({ url, dir, hosts: 0, serves: ['resource'], yields });
  const scheduler = await readyScheduler(rig.store);
  // A server that places reads the fleet as it starts; this one is told that it has no hosts.
  await rig.cloud.scheduler.feed.fleet({ db: rig.store.reader, now: rig.store.now() });
  for (const each of [scheduler, rig.cloud.scheduler]) each.share(name, () => peers);
  console.log('ready');
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'go') rig.startWorker({ name: `scheduler-${process.pid}`, leaseMs });
    else {
      const options = JSON.parse(line) as LoopOptions;
      console.log(await claimLoop(rig.store, scheduler, options));
    }
  }
  await rig.close();
}

if (import.meta.main) {
  const [url = '', dir = '', ...numbers] = process.argv.slice(2);
  const [leaseMs = 0, number = 0, count = 1] = numbers.map(Number);
  await serve(url, dir, leaseMs, number, count);
}
