import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** `frozen`: bytes are neither taken nor lost. `refused`: there is no way. */
type Way = 'open' | 'frozen' | 'refused';

interface Pair {
  readonly client: Socket;
  readonly database: Socket;
}

/** The network between a server and PostgreSQL, with a hand on it. */
export class NetworkProxy {
  readonly #pairs = new Set<Pair>();
  /** Their clients hear nothing more. */
  readonly #halfClosed = new Set<Pair>();
  readonly #server;
  readonly #target: number;
  #way: Way = 'open';
  #delayMs = 0;
  #trap: { bytes: string; spring: (pair: Pair) => void } | null = null;

  static async open(target: number): Promise<NetworkProxy> {
    const proxy = new NetworkProxy(target);
    await new Promise<void>(resolve => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true }, client => this.#join(client));
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** That URL, through here. */
  url(url: string): string {
    const through = new URL(url);
    through.port = String(this.port);
    return String(through);
  }

  #join(client: Socket): void {
    if (this.#way === 'refused') {
      client.destroy();
      return;
    }
    const database = connect({ port: this.#target, host: '127.0.0.1', allowHalfOpen: true });
    const pair = { client, database };
    this.#pairs.add(pair);
    for (const socket of [client, database])
      socket
        .on('error', () => {})
        .on('close', () => {
          this.#pairs.delete(pair);
          if (socket === client || !this.#halfClosed.has(pair)) client.destroy();
          database.destroy();
        });
    this.#carry(client, database, data => {
      if (this.#trap === null || !data.includes(this.#trap.bytes)) return;
      const { spring } = this.#trap;
      this.#trap = null;
      spring(pair);
    });
    this.#carry(database, client);
    if (this.#way === 'frozen') for (const socket of [client, database]) socket.pause();
  }

  #carry(from: Socket, to: Socket, look: (data: Buffer) => void = () => {}): void {
    // What was delayed still comes before what follows it: TCP keeps the order.
    let before = Promise.resolve();
    let delayed = 0;
    const pass = (send: () => void): void => {
      if (this.#delayMs === 0 && delayed === 0) {
        send();
        return;
      }
      const late = sleep(this.#delayMs);
      delayed += 1;
      before = before.then(async () => {
        await late;
        delayed -= 1;
        send();
      });
    };
    from.on('data', data => {
      look(data);
      pass(() => to.write(data));
    });
    from.on('end', () => pass(() => to.end()));
  }

  /** Ends all connections, and refuses new ones until `mend`. */
  refuse(): void {
    this.#way = 'refused';
    this.cut();
  }

  /** Ends all connections. */
  cut(): void {
    for (const { client } of [...this.#pairs, ...this.#halfClosed]) client.destroy();
    this.#halfClosed.clear();
  }

  /** Nothing comes through, and nobody is told. */
  freeze(): void {
    this.#way = 'frozen';
    for (const pair of this.#pairs) for (const socket of [pair.client, pair.database]) socket.pause();
  }

  slow(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** The database hears that its client sends no more; what it still answers goes nowhere, and the client hears nothing. */
  halfClose(): void {
    for (const pair of this.#pairs) {
      const { client, database } = pair;
      this.#halfClosed.add(pair);
      database.removeAllListeners('data').resume();
      client.removeAllListeners('data').resume();
      database.removeAllListeners('end').end();
    }
  }

  mend(): void {
    this.#way = 'open';
    this.#delayMs = 0;
    for (const pair of this.#pairs) for (const socket of [pair.client, pair.database]) socket.resume();
  }

  /** The next time that a client sends these bytes, the database gets them, its answer is lost, and so is the network. */
  loseAnswerTo(bytes: string): Promise<void> {
    return new Promise(sprung => {
      const spring = ({ database }: Pair): void => {
        // Its answer, which says that it is done, goes nowhere.
        database.removeAllListeners('data').once('data', () => {
          this.refuse();
          sprung();
        });
      };
      this.#trap = { bytes, spring };
    });
  }

  /** The next time that a client sends these bytes, all connections are half-closed before the database gets them. */
  halfCloseAt(bytes: string): Promise<void> {
    return new Promise(sprung => {
      const spring = (): void => {
        this.halfClose();
        sprung();
      };
      this.#trap = { bytes, spring };
    });
  }

  async close(): Promise<void> {
    this.refuse();
    await new Promise(resolve => this.#server.close(resolve));
  }
}
