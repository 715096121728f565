import { setTimeout as sleep } from 'node:timers/promises';
import type { MessageView } from '../../src/api/message.ts';
import type { CoaxClient } from '../../src/client/client.ts';
import { isCoaxError } from '../../src/errors/coax-error.ts';
import { everyMessage } from '../../src/testing/every-message.ts';
import type { Random } from '../simulation/random.ts';
import type { Call, Look } from './checker.ts';
import { FLOW_NAMES, type Installation } from './installation.ts';

/** A server that is stopped answers nobody: the next one is asked. */
const ANSWER_MS = 4000;
const AGAIN_MS = 50;
const TRIES_MAX = 2000;

/** Clients that send messages through servers of chance, look at them, call some back, and note what they were answered. */
export class Clients {
  readonly calls: Call[] = [];
  readonly looks: Look[] = [];
  readonly #installation: Installation;
  readonly #random: Random;
  #going = true;
  #sent = 0;
  #answeredAt = Date.now();
  /** The longest time in which no request was answered. */
  longestPauseMs = 0;

  constructor(installation: Installation, random: Random) {
    this.#installation = installation;
    this.#random = random;
  }

  /** Resolves when told to stop and every request has its answer. */
  async run(count: number, pauseMs: number): Promise<void> {
    this.#answeredAt = Date.now();
    await Promise.all(
      Array.from({ length: count }, async () => {
        while (this.#going) {
          await this.#sendOne();
          await this.#look();
          await sleep(this.#random.int(0, pauseMs));
        }
      }),
    );
  }

  stop(): void {
    this.#going = false;
  }

  async #sendOne(): Promise<void> {
    const key = `key-${this.#sent++}`;
    const flow = this.#random.pick(FLOW_NAMES);
    const parameters = { dir: this.#installation.dir, name: key };
    const sent = Date.now();
    const { msgid } = await this.#patiently(client =>
      client.submit({ flow, parameters, key }, { signal: AbortSignal.timeout(ANSWER_MS) }),
    );
    this.calls.push({ key, sent, answered: Date.now(), msgid });
    this.#answered();
    if (this.#random.chance(0.1)) await this.#cancel(msgid);
  }

  #answered(): void {
    const now = Date.now();
    this.longestPauseMs = Math.max(this.longestPauseMs, now - this.#answeredAt);
    this.#answeredAt = now;
  }

  async #cancel(msgid: number): Promise<void> {
    await sleep(this.#random.int(0, 200));
    await this.#random
      .pick(this.#installation.clients)
      .cancel(msgid, { reason: 'the chaos thought so' })
      .catch(error => {
        if (!isPassing(error) && !isCoaxError(error, 'COAX_MESSAGE_STATE')) throw error;
      });
  }

  async #look(): Promise<void> {
    const { msgid } = this.#random.pick(this.calls);
    if (msgid === null) return;
    const sent = Date.now();
    try {
      const { seq, head } = await this.#random
        .pick(this.#installation.clients)
        .message(msgid, { signal: AbortSignal.timeout(ANSWER_MS) });
      this.looks.push({ msgid, sent, answered: Date.now(), seq, head });
    } catch (error) {
      if (!isPassing(error)) throw error;
    }
  }

  /** Asks one server after another until there is an answer: the key makes that safe. */
  async #patiently<T>(ask: (client: CoaxClient) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await ask(this.#random.pick(this.#installation.clients));
      } catch (error) {
        if (!isPassing(error) || tries >= TRIES_MAX)
          throw new Error(`no answer to be had\n${this.#installation.log()}`, { cause: error });
        await sleep(AGAIN_MS);
      }
    }
  }
}

function isPassing(error: unknown): boolean {
  if (isCoaxError(error)) return error.kind === 'unavailable' || error.kind === 'timeout';
  return error instanceof DOMException;
}

/** All messages, once each has come to its end. */
export async function rest(client: CoaxClient, withinMs: number): Promise<MessageView[]> {
  for (const until = Date.now() + withinMs; ; await sleep(100)) {
    const { queued, running, waiting } = await client.counts();
    if (queued + running + waiting === 0) break;
    if (Date.now() > until)
      throw new Error(
        `under way: ${JSON.stringify((await client.messages({ children: true, limit: 20 })).items)}`,
      );
  }
  return everyMessage(client);
}
