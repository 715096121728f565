import { fileURLToPath } from 'node:url';
import { NodeChild } from '../process/node-child.ts';
import type { Answer, Request } from './engine-words.ts';

/** The process in which what is typed is evaluated. */
export type Engine = NodeChild<Request, Answer>;

export function startEngine(colors: boolean): Engine {
  const main = fileURLToPath(new URL('./engine-main.ts', import.meta.url));
  return new NodeChild(main, { COAX_COLORS: colors ? '1' : '0' });
}
