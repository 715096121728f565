import { useEffect } from 'react';

const PRODUCT = 'Coax';

/** Names the page in the browser's tab, its history and its bookmarks: what it shows first, WCAG 2.2 criterion 2.4.2. */
export function usePageTitle(...parts: readonly string[]): void {
  const title = [...parts, PRODUCT].join(' · ');
  useEffect(() => {
    document.title = title;
  }, [title]);
}
