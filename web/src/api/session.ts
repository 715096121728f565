import { useSyncExternalStore } from 'react';

/**
 * Whether this browser is let in. What lets it in is a cookie that no script can read; so this is only what the answers of
 * the server say.
 */
export type SessionState = 'unknown' | 'in' | 'out' | 'ended';

let state: SessionState = 'unknown';
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

/** The person has left. */
export function heardFarewell(): void {
  become('out');
}

export function useSession(): SessionState {
  return useSyncExternalStore(
    listener => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}
