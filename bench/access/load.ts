// Clients in a process of their own: closed loops that send, wait for the answer, and send again; or many that are held.
import { connect, type Socket } from 'node:net';
import { answer } from './child.ts';

/** One request, sent again and again by each of `clients` until so many milliseconds are over. */
export interface Load {
  readonly kind: 'load';
  readonly url: string;
  readonly token: string;
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly clients: number;
  readonly ms: number;
}

export interface LoadResult {
  readonly perSecond: number;
  /** Milliseconds from a request to its whole answer. */
  readonly p50: number;
  readonly p99: number;
  readonly refused: number;
}

/**
 * Clients that are held. `stream`: the answer goes on and on; resolves when all have its first bytes. Otherwise each asks again
 * whenever it is answered; resolves when all have asked.
 */
export interface Hold {
  readonly kind: 'hold';
  readonly url: string;
  readonly token: string;
  readonly method: string;
  readonly path: string;
  /** `#` in it becomes the client's number. */
  readonly body: string;
  readonly clients: number;
  readonly stream: boolean;
}

export interface Holding {
  readonly kind: 'holding';
}

export interface Held {
  readonly connected: number;
  /** That were not answered with 200. */
  readonly refused: number;
  /** Of streams, since the last time it was asked. */
  readonly bytes: number;
}

const held: Socket[] = [];
let bytes = 0;
let refused = 0;

function requestText({ url, token, method, path }: Load | Hold, body: string): string {
  const { host } = new URL(url);
  const content =
    body === '' ? '' : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\n${content}\r\n${body}`;
}

/** From several addresses of this machine: the search for a free port takes long when half of them are taken. */
const ADDRESSES = 8;
let made = 0;

const socketTo = (url: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const { hostname: host, port } = new URL(url);
    const localAddress = `127.0.0.${2 + (made++ % ADDRESSES)}`;
    const socket = connect({ host, port: Number(port), localAddress }, () => resolve(socket));
    socket.setNoDelay(true);
    socket.once('error', reject);
  });

/** Calls back with the status of each answer that has come whole. */
function eachAnswer(socket: Socket, done: (status: number) => void): void {
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
    for (;;) {
      const head = text.indexOf('\r\n\r\n');
      if (head < 0) return;
      const end = endOf(text, head + 4);
      if (end === null) return;
      const status = Number(text.slice(9, 12));
      text = text.slice(end);
      done(status);
    }
  });
}

/** Where an answer ends whose body begins there, by its length or by its chunks; null while it is not whole. */
function endOf(text: string, body: number): number | null {
  const head = text.slice(0, body);
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (length !== undefined) return text.length < body + Number(length) ? null : body + Number(length);
  if (!/\r\ntransfer-encoding: chunked/i.test(head)) throw new Error(`an answer without a length: ${head}`);
  for (let at = body; ; ) {
    const line = text.indexOf('\r\n', at);
    if (line < 0) return null;
    const size = Number.parseInt(text.slice(at, line), 16);
    at = line + 2 + size + 2;
    if (text.length < at) return null;
    if (size === 0) return at;
  }
}

async function load(question: Load): Promise<LoadResult> {
  const sockets = await Promise.all(Array.from({ length: question.clients }, () => socketTo(question.url)));
  const text = requestText(question, question.body);
  const times: number[] = [];
  let refusals = 0;
  const began = performance.now();
  const until = began + question.ms;
  await Promise.all(
    sockets.map(
      socket =>
        new Promise<void>((resolve, reject) => {
          socket.once('close', () => reject(new Error('the server closed a connection under load')));
          let sent = performance.now();
          eachAnswer(socket, status => {
            const now = performance.now();
            times.push(now - sent);
            if (status >= 300) refusals += 1;
            if (now >= until) return resolve();
            sent = now;
            socket.write(text);
          });
          socket.write(text);
        }),
    ),
  );
  const seconds = (performance.now() - began) / 1000;
  for (const socket of sockets) socket.destroy();
  times.sort((a, b) => a - b);
  const at = (part: number): number => times[Math.ceil(times.length * part) - 1] ?? Number.NaN;
  return { perSecond: times.length / seconds, p50: at(0.5), p99: at(0.99), refused: refusals };
}

/** Resolves when the server has answered: then it has taken the connections before. */
async function answered(url: string): Promise<void> {
  const socket = await socketTo(url);
  await new Promise<void>(resolve => {
    eachAnswer(socket, () => resolve());
    socket.write('GET /livez HTTP/1.1\r\nhost: bench\r\n\r\n');
  });
  socket.destroy();
}

/** So many connect at one time: the server's queue of new connections is short. */
const AT_ONCE = 100;

async function hold(question: Hold): Promise<{ held: number }> {
  const first = held.length;
  for (let made = 0; made < question.clients; made += AT_ONCE) {
    const numbers = Array.from({ length: Math.min(AT_ONCE, question.clients - made) }, (_, i) => made + i);
    await Promise.all(
      numbers.map(async number => {
        const socket = await socketTo(question.url);
        held.push(socket);
        socket.on('error', () => {});
        const text = requestText(question, question.body.replaceAll('#', String(number)));
        const heard = new Promise<void>(resolve => socket.once('data', () => resolve()));
        if (question.stream) {
          socket.on('data', chunk => {
            bytes += chunk.length;
          });
        } else {
          eachAnswer(socket, status => {
            if (status !== 200) refused += 1;
            socket.write(text);
          });
        }
        socket.write(text);
        if (question.stream) await heard;
      }),
    );
    await answered(question.url);
  }
  return { held: held.length - first };
}

function holding(): Held {
  const connected = held.filter(socket => socket.readable && !socket.destroyed).length;
  const now = { connected, refused, bytes };
  bytes = 0;
  return now;
}

process.on('disconnect', () => process.exit(0));
answer(async (question: Load | Hold | Holding) => {
  if (question.kind === 'load') return load(question);
  return question.kind === 'hold' ? hold(question) : holding();
});
