import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** What an adapter is started with: where its server is and a folder of its own, and which of how many processes it is. */
export interface Settings {
  readonly url: string;
  readonly adminUrl: string;
  readonly dir: string;
  readonly process: number;
  readonly processes: number;
}

/** When work began and ended, in milliseconds since 1970. */
export interface Span {
  readonly began: number;
  readonly ended: number;
}

/**
 * One process of a system under measurement. The driver calls `submit` on the first process, then `work` on all, `settle`,
 * `rest`, and at last `one` again and again on the first. Flows that were submitted by one are worked on by all.
 */
export interface Adapter {
  /** Accepts so many flows durably, and begins none. Where there is no queue to put them in, it only remembers how many. */
  submit(flows: number): Promise<void>;
  /** Works until `flows` in all, over all processes, are complete. `began` is when the first could begin. */
  work(flows: number): Promise<Span>;
  /** Work that is put off is work too: resolves when it is done. */
  settle?(): Promise<void>;
  /** Flows whose four steps are complete, by the store's own word, since the process started. */
  complete(): Promise<number>;
  /** Takes up no more work. */
  rest(): Promise<void>;
  /** Gets ready for `one`. */
  wake(): Promise<void>;
  /** One flow, from its submission until its completion is durable and known to the one who submitted it. */
  one(): Promise<void>;
  close(): Promise<void>;
}

interface Request {
  readonly do: 'submit' | 'work' | 'settle' | 'complete' | 'rest' | 'idle' | 'close';
  readonly flows: number;
}

/** The other side of adapter-process.ts: a request is a line of standard input, an answer one of descriptor 3. */
export async function serve(open: (settings: Settings) => Promise<Adapter>): Promise<void> {
  const adapter = await open(JSON.parse(process.argv[2] ?? '{}') as Settings);
  answer({ ready: true });
  for await (const line of createInterface(process.stdin)) {
    const request = JSON.parse(line) as Request;
    answer({ value: (await obey(adapter, request)) ?? null });
    if (request.do === 'close') break;
  }
  process.exit(0);
}

/** Milliseconds since 1970, finer than Date.now(). */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/** Resolves when the condition holds; asked every `everyMs`. */
export async function until(holds: () => Promise<boolean>, everyMs: number): Promise<void> {
  while (!(await holds())) await new Promise(resolve => setTimeout(resolve, everyMs));
}

/** Does `work` so many times, `width` at once. */
export async function inParallel(times: number, width: number, work: () => Promise<void>): Promise<void> {
  let left = times;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: Math.min(width, times) }, lane));
}

async function obey(adapter: Adapter, request: Request): Promise<unknown> {
  switch (request.do) {
    case 'submit':
      return adapter.submit(request.flows);
    case 'work':
      return adapter.work(request.flows);
    case 'settle':
      return adapter.settle?.();
    case 'complete':
      return adapter.complete();
    case 'rest':
      return adapter.rest();
    case 'idle':
      return idleTimes(adapter, request.flows);
    case 'close':
      return adapter.close();
  }
}

async function idleTimes(adapter: Adapter, flows: number): Promise<number[]> {
  await adapter.wake();
  const warmUp = Math.ceil(flows / 5);
  const times: number[] = [];
  for (let made = 0; made < warmUp + flows; made++) {
    const began = performance.now();
    await adapter.one();
    if (made >= warmUp) times.push(performance.now() - began);
  }
  return times;
}

function answer(value: object): void {
  writeSync(3, `${JSON.stringify(value)}\n`);
}
