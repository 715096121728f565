import type { Channel, Claim, ClaimWish, Finish, FinishAnswer } from '../../src/channel/channel.ts';
import { CoaxError } from '../../src/errors/coax-error.ts';
import type { ClaimRef, ExtendAnswer } from '../../src/store/store.ts';
import type { Timers } from '../../src/store/timers.ts';
import type { Life } from './virtual-time.ts';
import type { World } from './world.ts';

/** A worker's way to the server over a bad network: slow, forgetful, and given to saying things twice. */
export class LossyChannel implements Channel {
  readonly #world: World;
  readonly #inner: Channel;
  readonly #life: Life;
  readonly #timers: Timers;

  constructor(world: World, inner: Channel, life: Life) {
    this.#world = world;
    this.#inner = inner;
    this.#life = life;
    this.#timers = world.time.timersOf(life);
  }

  async claim(wish: ClaimWish, signal?: AbortSignal): Promise<readonly Claim[]> {
    await this.#travel();
    const claims = await this.#inner.claim(wish, signal);
    for (const claim of claims) this.#world.granted(claim);
    if (claims.length > 0 && this.#lost()) throw lost();
    await this.#travel();
    return claims;
  }

  async extend(claims: readonly ClaimRef[], leaseMs: number): Promise<readonly ExtendAnswer[]> {
    await this.#travel();
    if (this.#lost()) throw lost();
    return this.#inner.extend(claims, leaseMs);
  }

  async finish(end: Finish): Promise<FinishAnswer> {
    await this.#travel();
    if (this.#world.random.chance(this.#world.chaos ? 0.01 : 0)) {
      this.#life.disturbed = true;
      await this.#sleep(this.#world.random.int(0, 12_000));
    }
    const twice = this.#world.random.chance(this.#world.chaos ? 0.05 : 0);
    const answers = await Promise.all([this.#written(end), ...(twice ? [this.#written(end)] : [])]);
    const written = answers.filter(answer => answer.kind === 'written');
    if (written.length > 1) this.#world.model.violation(`message ${end.claim.msgid} took one outcome twice`);
    if (this.#lost()) throw lost();
    await this.#travel();
    return written[0] ?? { kind: 'lost' };
  }

  async #written(end: Finish): Promise<FinishAnswer> {
    const answer = await this.#inner.finish(end);
    this.#world.note(
      `${end.claim.message.worker} finished ${end.claim.msgid}, fence ${end.claim.fence}: ${answer.kind}`,
    );
    if (answer.kind === 'written') {
      this.#world.wrote(end.claim);
      this.#world.saw(answer.message);
      if (answer.claim !== null) this.#world.granted(answer.claim);
    }
    return answer;
  }

  async reveal(claim: Claim, names: readonly string[]): ReturnType<Channel['reveal']> {
    await this.#travel();
    if (this.#lost()) throw lost();
    return this.#inner.reveal(claim, names);
  }

  async release(claims: readonly ClaimRef[], begun: boolean): Promise<void> {
    await this.#travel();
    return this.#inner.release(claims, begun);
  }

  onAsk(worker: string, listener: (msgid: number) => void): () => void {
    return this.#inner.onAsk(worker, msgid => {
      if (!this.#lost()) this.#timers.after(this.#world.random.int(0, 50), () => listener(msgid));
    });
  }

  /** Is this one swallowed by the network? */
  #lost(): boolean {
    const yes = this.#world.random.chance(this.#world.chaos ? 0.03 : 0);
    if (yes) this.#life.disturbed = true;
    return yes;
  }

  async #travel(): Promise<void> {
    if (this.#world.random.chance(0.3)) await this.#sleep(this.#world.random.int(0, 40));
  }

  #sleep(ms: number): Promise<void> {
    return new Promise(resolve => {
      this.#timers.after(ms, resolve);
    });
  }
}

function lost(): CoaxError {
  return new CoaxError('COAX_SERVER_UNREACHABLE', 'the network lost it');
}
