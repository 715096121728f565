import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { StoreChannel } from '../../src/channel/store-channel.ts';
import { RETRY_DEFAULT } from '../../src/message/backoff.ts';
import type { Plan } from '../../src/message/message.ts';
import { openCatalogue } from '../../src/step/catalogue.ts';
import { defineModule } from '../../src/step/define-module.ts';
import type { Store, Submission } from '../../src/store/store.ts';
import { Worker } from '../../src/worker/worker.ts';

const plain = defineModule({
  name: 'plain',
  actions: {
    work: {
      input: z.object({}),
      output: z.object({ text: z.string() }),
      do: () => ({ text: 'x'.repeat(200) }),
      undo: () => {},
    },
  },
});

const step = { module: 'plain', action: 'work', timeoutMs: 10_000, retry: RETRY_DEFAULT };
const PLAN: Plan = { steps: [step, step] };

export const submission = (n: number): Submission => ({
  flow: 'test',
  plan: PLAN,
  parameters: { n, padding: 'y'.repeat(500) },
  actor: 'ann',
});

/** Runs `test` in a folder of its own. */
export async function inFolder(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'coax-store-'));
  try {
    await test(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

export interface WorkOn {
  readonly faults: unknown[];
  close(): Promise<void>;
}

/** A worker on a store, which does the plan above. */
export function workOn(store: Store): WorkOn {
  const channel = new StoreChannel(store);
  const catalogue = openCatalogue({ builtin: [plain], dirs: [] });
  const faults: unknown[] = [];
  const addresses = ['plain'];
  const worker = new Worker({
    name: 'w1',
    channel,
    catalogue,
    addresses: () => addresses,
    now: () => store.now(),
    onFault: error => faults.push(error),
  });
  return {
    faults,
    async close() {
      await worker.drain(1000);
      channel.close();
      catalogue.close();
    },
  };
}

/** Resolves once so many messages are done. */
export async function untilDone(store: Store, count: number): Promise<void> {
  let wake: () => void = () => {};
  const end = store.onCommit(() => wake());
  try {
    while ((await store.counts()).done < count) {
      await new Promise<void>(resolve => {
        wake = resolve;
      });
    }
  } finally {
    end();
  }
}
