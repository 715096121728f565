import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { SERVER_FLAGS } from '../child/server-flags.ts';

/** A process that answers what it is asked, one question after the other. */
export class Child {
  readonly #process: ChildProcess;

  constructor(file: string, args: readonly string[] = []) {
    this.#process = fork(file, [...args], {
      execArgv: [...SERVER_FLAGS, '--expose-gc'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  async ask<Answer>(question: unknown): Promise<Answer> {
    const answer = new Promise<Answer>((resolve, reject) => {
      const ended = (status: number | null): void => reject(new Error(`a process ended with ${status}`));
      this.#process.once('exit', ended);
      this.#process.once('message', message => {
        this.#process.off('exit', ended);
        resolve(message as Answer);
      });
    });
    this.#process.send(question as object);
    return answer;
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.disconnect();
    await ended;
  }
}

/** The other side: answers until the asking process is gone. */
export function answer<Question>(work: (question: Question) => Promise<unknown>): void {
  process.on('message', (question: Question) => {
    work(question).then(
      value => process.send?.(value as object),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
