import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Claim } from '../../src/channel/channel.ts';
import type { Decisions } from '../../src/channel/decisions.ts';
import { GroupServer } from '../../src/channel/groups.ts';
import { makeDecisions } from '../../src/channel/make-decisions.ts';
import { StoreChannel } from '../../src/channel/store-channel.ts';
import { parseFlow } from '../../src/flow/parse-flow.ts';
import { planOf } from '../../src/flow/plan-of.ts';
import type { Json, Parameters } from '../../src/message/message.ts';
import type { Resolution, StepOutcome } from '../../src/message/outcome.ts';
import { stepLabel } from '../../src/message/step-label.ts';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';
import type { SqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { Random } from '../simulation/random.ts';
import { Life, VirtualTime } from '../simulation/virtual-time.ts';
import { FLOWS } from './flows.ts';
import { commitLine, messageLine } from './lines.ts';

const BY = { actor: 'ann', reason: 'as told' };
/** Longest backoffs, so that a transcript says how long to wait. */
const RANDOM = (): number => 0.999;
const SETTLE_MS = 10;

/** A store in virtual time on which a transcript plays, one command after the other. */
export class Stage {
  readonly #time = new VirtualTime(new Random(1));
  readonly #life = new Life();
  readonly #dir = mkdtempSync(join(tmpdir(), 'coax-golden-'));
  readonly #store: SqliteStore;
  readonly #channel: StoreChannel;
  readonly #decisions: Decisions;
  readonly #claims = new Map<number, Claim>();

  constructor() {
    const timers = this.#time.timersOf(this.#life);
    this.#store = openSqlite({ file: join(this.#dir, 'coax.db'), timers, wall: this.#time.wall });
    this.#channel = new StoreChannel(this.#store, RANDOM, timers);
    this.#decisions = makeDecisions(this.#store, RANDOM);
    new GroupServer(this.#channel, 'groups', RANDOM, () => {}, timers);
  }

  close(): void {
    this.#life.dead = true;
    this.#store.abandon();
    rmSync(this.#dir, { recursive: true });
  }

  /** Plays one command; gives its lines. */
  async play(command: string): Promise<string[]> {
    const [verb = '', ...words] = command.match(/"[^"]*"|\S+/g) ?? [];
    let lines: string[] | undefined;
    const playing = this.#run(verb, words).then(
      done => (lines = done),
      (error: { code?: string; reason?: string }) =>
        (lines = [`error ${error.code ?? error}: ${error.reason ?? ''}`]),
    );
    await this.#time.run(this.#time.now + 60_000, () => lines !== undefined);
    await playing;
    await this.#time.run(this.#time.now + SETTLE_MS, () => false);
    return lines ?? [];
  }

  async #run(verb: string, words: readonly string[]): Promise<string[]> {
    switch (verb) {
      case 'submit':
        return this.#submit(words[0] as string, pairs(words.slice(1)));
      case 'claim':
        return this.#claim(words[0] as string, words[1] as string);
      case 'ok':
        return this.#finish(words, { kind: 'ok', set: pairs(words) });
      case 'fail':
      case 'retry': {
        const [code = '', reason = ''] = words.filter(word => !/^\d+$/.test(word)).map(unquote);
        return this.#finish(words, {
          kind: verb === 'fail' ? 'terminal' : 'retryable',
          error: { code, reason },
        });
      }
      case 'die':
        await this.#store.releaseWorker(words[0] as string);
        return [`what ${words[0]} held is free`];
      case 'tick':
        await new Promise<void>(resolve => {
          this.#time.timersOf(this.#life).after(Number.parseFloat(words[0] as string) * 1000, resolve);
        });
        return [];
      case 'log':
        return (await this.#store.commits(Number(words[0]))).map(commitLine);
      case 'state':
        return [await this.#line(Number(words[0]))];
      default:
        return this.#decide(verb, words);
    }
  }

  async #submit(flow: string, parameters: Parameters): Promise<string[]> {
    const definition = FLOWS[flow];
    if (definition === undefined) throw new Error(`no flow ${flow}`);
    const plan = planOf(parseFlow(definition, flow), () => undefined);
    const [accepted] = await this.#store.submit([{ flow, plan, parameters, actor: 'ann' }]);
    return [await this.#line(accepted?.msgid ?? 0)];
  }

  async #claim(worker: string, address: string): Promise<string[]> {
    const claims = await this.#channel.claim({
      worker,
      addresses: [address],
      limit: 1,
      leaseMs: 30_000,
      waitMs: 0,
    });
    return claims.length === 0
      ? [`nothing at ${address}`]
      : claims.map(claim => {
          this.#claims.set(claim.msgid, claim);
          const { message } = claim;
          const step = message.plan.steps[message.cursor];
          return `${worker} has ${message.msgid}: ${message.mode === 'normal' ? 'do' : 'undo'} ${step ? stepLabel(step) : ''}, attempt ${message.attempt + 1}`;
        });
  }

  /** Ends the step of the message that is named, or of the one that was claimed last. */
  async #finish(words: readonly string[], outcome: StepOutcome): Promise<string[]> {
    const named = words.find(word => /^\d+$/.test(word));
    const msgid = named === undefined ? [...this.#claims.keys()].at(-1) : Number(named);
    const claim = this.#claims.get(msgid ?? 0);
    if (claim === undefined) throw new Error('nobody holds that message');
    this.#claims.delete(claim.msgid);
    const now = this.#store.now();
    const answer = await this.#channel.finish({ claim, outcome, code: null, started: now, finished: now });
    return answer.kind === 'lost'
      ? ['lost: the claim is history']
      : [messageLine(answer.message, this.#store.now())];
  }

  async #decide(verb: string, words: readonly string[]): Promise<string[]> {
    const [first = '', second = ''] = words;
    const msgid = Number(first.split('@')[0]);
    const edit = pairs(words);
    switch (verb) {
      case 'cancel':
        await this.#decisions.cancel(msgid, BY);
        break;
      case 'revert':
        await this.#decisions.revert(msgid, BY);
        break;
      case 'rewind':
        await this.#decisions.rewind(msgid, Number(second), edit, BY);
        break;
      case 'resolve':
        await this.#decisions.resolve(msgid, second as Resolution, edit, BY);
        break;
      case 'fork': {
        const [commit] = await this.#store.commits(msgid, { fromSeq: Number(first.split('@')[1]), limit: 1 });
        return [await this.#line((await this.#decisions.fork(commit?.id ?? '', edit, BY)).msgid)];
      }
      default:
        throw new Error(`no command ${verb}`);
    }
    return [await this.#line(msgid)];
  }

  async #line(msgid: number): Promise<string> {
    const message = await this.#store.message(msgid);
    return message === null ? `no message ${msgid}` : messageLine(message, this.#store.now());
  }
}

function unquote(word: string): string {
  return word.replace(/^"|"$/g, '');
}

/** `name=value` words; values are JSON where they can be. */
function pairs(words: readonly string[]): Parameters {
  const found: Record<string, Json> = {};
  for (const word of words) {
    const at = word.indexOf('=');
    if (at <= 0) continue;
    const text = word.slice(at + 1);
    try {
      found[word.slice(0, at)] = JSON.parse(text) as Json;
    } catch {
      found[word.slice(0, at)] = text;
    }
  }
  return found;
}
