import { useSyncExternalStore } from 'react';

/** Whether this browser is let in. */
export type SessionState = 'unknown' | 'in' | 'out' | 'ended';

let state: SessionState = 'unknown';
let bearer: string | null = null;
const listeners = new Set<() => void>();

function become(next: SessionState): void {
  if (state === next) return;
  state = next;
  for (const listener of listeners) listener();
}

/** A request was refused for want of a session. */
export function heardUnauthorized(): void {
  become(state === 'in' || state === 'ended' ? 'ended' : 'out');
}

/** A request was let in. */
export function heardWelcome(): void {
  become('in');
}

export function useSession(): SessionState {
  return useSyncExternalStore(subscribe, sessionState);
}

export const sessionState = (): SessionState => state;

/** Where the server makes no cookie, the token stays in the memory of this page: nowhere else, and until it is left. */
export function holdToken(token: string | null): void {
  bearer = token;
}

export function sessionHeaders(): Record<string, string> {
  return bearer === null ? {} : { authorization: `Bearer ${bearer}` };
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
