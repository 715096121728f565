import type { FunctionRow } from '../tables.ts';

/** One call of a function of a shared object, made in a process of its own. */
export interface CallRequest {
  /** Path, or a name that the system's loader finds. */
  readonly file: string;
  readonly name: string;
  readonly row: FunctionRow;
  /** Values, and room for a text that the function writes: `{room: BYTES}`. */
  readonly args: readonly (string | number | boolean | null | { readonly room: number })[];
}

/** What came of it. No answer at all: the process ended in the call. */
export type CallAnswer =
  | {
      /** A number beyond 2^53 as a text. */
      readonly result: string | number | boolean | null;
      /** What errno was after the call; 0 where it was not set. */
      readonly errno: number;
      /** Name and text of errno; empty when it is 0. */
      readonly errnoName: string;
      readonly errnoText: string;
      /** The texts that were written into the rooms, in their order. */
      readonly texts: readonly string[];
    }
  /** It was not called: ENOENT: no such object or function; EINVAL: an argument does not fit. */
  | { readonly refused: { readonly code: string; readonly reason: string } };
