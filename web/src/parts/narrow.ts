import { useSyncExternalStore } from 'react';

const query = window.matchMedia('(max-width: 767px)');

/** Whether the screen is a telephone's. */
export function useNarrow(): boolean {
  return useSyncExternalStore(
    listener => {
      query.addEventListener('change', listener);
      return () => query.removeEventListener('change', listener);
    },
    () => query.matches,
  );
}
