import { join } from 'node:path';
import { comparedRow, plainRow, type Row } from '../row.ts';
import { Child } from './child.ts';

const FULL = { messages: 100, waiting: 5000, rounds: 3 };
const QUICK = { messages: 5, waiting: 2000, rounds: 1 };
const NOTE = { module: 'quick', action: 'note' };
const PLAN = { steps: [NOTE, NOTE, NOTE] };
const BATCH = 500;
const REFERENCE = 'nobody else';

/** How long one project's messages take from submission to done, while another project has thousands that wait. */
export async function measureFair(quick: boolean): Promise<Row[]> {
  const { messages, waiting, rounds } = quick ? QUICK : FULL;
  const server = new Child(join(import.meta.dirname, 'coax-server.ts'), ['all']);
  try {
    const where = await server.ask<{ url: string; token: string }>('where');
    const ask = askerOf(where);
    for (const name of ['calm', 'flood']) await ask('POST', '/v1/projects', { name });
    const timed = (): Promise<number[]> => times(ask, messages);
    await timed();
    const pairs: { alone: number[]; beside: number[] }[] = [];
    let least = Number.POSITIVE_INFINITY;
    for (let round = 0; round < rounds; round++) {
      const alone = await timed();
      const flood = new Flood(ask, waiting);
      await flood.begin();
      const beside = await timed();
      least = Math.min(least, await flood.end());
      pairs.push({ alone, beside });
    }
    const row = (name: string, part: number, goal: string | null): Row => {
      const of = pairs.map(pair => ({ value: at(pair.beside, part), reference: at(pair.alone, part) }));
      return comparedRow(`fair: ${name}`, 'ms', REFERENCE, of, goal);
    };
    return [
      plainRow(
        'fair: messages of another project that waited all the while, at least',
        least,
        'messages',
        'value >= 1',
      ),
      row('a message beside them, submitted to done, p50', 0.5, null),
      row('a message beside them, submitted to done, p99', 0.99, null),
    ];
  } finally {
    await server.end();
  }
}

type Ask = (method: string, path: string, body?: unknown, wait?: number) => Promise<unknown>;

const askerOf =
  ({ url, token }: { url: string; token: string }): Ask =>
  async (method, path, body, wait) => {
    const answer = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(wait !== undefined && { prefer: `wait=${wait}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  };

/** One message after the other; milliseconds from each one's submission until the answer says that it is done. */
async function times(ask: Ask, messages: number): Promise<number[]> {
  const took: number[] = [];
  for (let n = 0; n < messages; n++) {
    const began = performance.now();
    const message = await ask('POST', '/v1/messages', { project: 'calm', plan: PLAN }, 60);
    took.push(performance.now() - began);
    const { status } = message as { status: string };
    if (status !== 'done') throw new Error(`a message of the calm project is ${status}`);
  }
  return took.sort((a, b) => a - b);
}

const at = (sorted: readonly number[], part: number): number => sorted[Math.ceil(sorted.length * part) - 1]!;

/** Another project, which keeps so many messages waiting for the workers. */
class Flood {
  readonly #ask: Ask;
  readonly #waiting: number;
  #going = true;
  #least = Number.POSITIVE_INFINITY;
  #filling: Promise<void> = Promise.resolve();

  constructor(ask: Ask, waiting: number) {
    this.#ask = ask;
    this.#waiting = waiting;
  }

  async begin(): Promise<void> {
    await this.#fill();
    this.#filling = this.#keep();
  }

  /** Resolves to the fewest that ever waited, when the last has been done. */
  async end(): Promise<number> {
    this.#going = false;
    await this.#filling;
    while ((await this.#left()) > 0) await new Promise(resolve => setTimeout(resolve, 20));
    return this.#least;
  }

  async #keep(): Promise<void> {
    while (this.#going) {
      this.#least = Math.min(this.#least, await this.#left());
      await this.#fill();
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }

  async #fill(): Promise<void> {
    for (let left = await this.#left(); this.#going && left < this.#waiting; left += BATCH)
      await this.#ask(
        'POST',
        '/v1/messages',
        Array.from({ length: BATCH }, () => ({ project: 'flood', plan: PLAN })),
      );
  }

  async #left(): Promise<number> {
    const counts = (await this.#ask('GET', '/v1/counts?project=flood')) as Record<string, number>;
    return (counts.queued ?? 0) + (counts.running ?? 0);
  }
}
