import { type ChildProcess, fork } from 'node:child_process';

/**
 * A Node program of ours in a process of its own, which answers one request at a time; its standard output and error are ours. When it
 * ends, whoever waits is told how, and the next request starts another.
 */
export class NodeChild<Asked extends object, Given> {
  readonly #file: string;
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcess | null = null;

  constructor(file: string, env: Readonly<Record<string, string>>) {
    this.#file = file;
    this.#env = env;
  }

  /** Null when it has ended without an answer; then `ended` says how. */
  async ask(request: Asked): Promise<{ readonly answer: Given } | { readonly ended: string }> {
    this.#child ??= this.#start();
    const child = this.#child;
    return await new Promise(resolve => {
      const finish = (told: { readonly answer: Given } | { readonly ended: string }): void => {
        child.off('message', onMessage);
        child.off('exit', onExit);
        resolve(told);
      };
      const onMessage = (answer: unknown): void => finish({ answer: answer as Given });
      const onExit = (code: number | null, signal: string | null): void => {
        this.#child = null;
        finish({ ended: signal ?? `exit status ${code}` });
      };
      child.once('message', onMessage);
      child.once('exit', onExit);
      child.send(request);
    });
  }

  /** SIGINT asks what is running to stop, SIGKILL ends it without regard to what it does. */
  signal(signal: 'SIGINT' | 'SIGKILL'): void {
    this.#child?.kill(signal);
  }

  [Symbol.dispose](): void {
    this.#child?.disconnect();
    this.#child = null;
  }

  #start(): ChildProcess {
    return fork(this.#file, {
      env: { ...process.env, ...this.#env },
      execArgv: ['--disable-warning=ExperimentalWarning'],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
  }
}
