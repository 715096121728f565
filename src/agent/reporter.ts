import type { AgentReport, ReportAnswer } from '../api/agent.ts';
import { backoffMs } from '../message/backoff.ts';
import { REAL_TIMERS, type Timers } from '../store/timers.ts';

export interface ReporterOptions {
  report(): Promise<AgentReport>;
  send(report: AgentReport): Promise<ReportAnswer>;
  /** From one report to the next, about: a fifth more or less, so that hosts started together do not stay in step. */
  readonly everyMs: number;
  /** In [0, 1). */
  random(): number;
  readonly timers?: Timers;
  onAnswer(answer: ReportAnswer): void;
  onFault(error: unknown): void;
}

const SPREAD = 0.2;
/** After an outage hosts come back over this long, not all at once. */
const AGAIN = {
  attempts: Number.POSITIVE_INFINITY,
  backoffMs: 500,
  factor: 2,
  backoffMaxMs: 15_000,
  terminal: [],
};

/**
 * Tells the server of this host every few seconds, one report at a time. While none gets through it tries again, each
 * time after a random part of a wait that doubles (500 ms to 15 s).
 */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #timers: Timers;
  #faults = 0;
  #stopWaiting: () => void = () => {};
  #ended = false;
  #telling: Promise<void>;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#timers = options.timers ?? REAL_TIMERS;
    this.#telling = this.#tell();
  }

  /** Resolves when no report is under way any more. */
  async close(): Promise<void> {
    this.#ended = true;
    this.#stopWaiting();
    await this.#telling;
  }

  async #tell(): Promise<void> {
    try {
      const answer = await this.#options.send(await this.#options.report());
      this.#faults = 0;
      if (!this.#ended) this.#options.onAnswer(answer);
    } catch (error) {
      this.#faults += 1;
      if (!this.#ended) this.#options.onFault(error);
    }
    if (this.#ended) return;
    this.#stopWaiting = this.#timers.after(this.#waitMs(), () => {
      this.#telling = this.#tell();
    });
  }

  #waitMs(): number {
    const { everyMs, random } = this.#options;
    if (this.#faults > 0) return backoffMs(AGAIN, this.#faults, random());
    return Math.round(everyMs * (1 - SPREAD + 2 * SPREAD * random()));
  }
}
