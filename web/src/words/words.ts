import { useSyncExternalStore } from 'react';
import { type Dictionary, en, type Holes, type WordName } from './en.ts';

export type Language = 'en' | 'zh';

/** Each language by its own name. */
export const LANGUAGES: Readonly<Record<Language, string>> = { en: 'English', zh: '中文' };

const KEY = 'coax.language';

let language: Language = 'en';
let dictionary: Dictionary = en;
let missing: Error | null = null;
const listeners = new Set<() => void>();

/** A text of the current language. In a component use `useWords`, which follows a change of the language. */
export function word(name: WordName, holes: Holes = {}): string {
  return dictionary[name].replace(/\{(\w+)\}/g, (hole, key: string) => String(holes[key] ?? hole));
}

/** The texts of the current language; the component is drawn again when it changes. */
export function useWords(): typeof word {
  useSyncExternalStore(subscribe, currentLanguage);
  return word;
}

export const currentLanguage = (): Language => language;

/** What was chosen here before, else what the browser prefers. */
export function preferredLanguage(): Language {
  const kept = localStorage.getItem(KEY);
  if (kept === 'en' || kept === 'zh') return kept;
  return navigator.languages.some(name => name.startsWith('zh')) ? 'zh' : 'en';
}

/** Fetches a language, once, and shows the page in it. When it cannot be fetched, the page stays as it is, and says so. */
export async function setLanguage(wanted: Language): Promise<void> {
  try {
    dictionary = wanted === 'zh' ? (await import('./zh.ts')).zh : en;
    missing = null;
  } catch (error) {
    missing = error as Error;
    for (const listener of listeners) listener();
    return;
  }
  language = wanted;
  document.documentElement.lang = wanted === 'zh' ? 'zh-CN' : 'en';
  localStorage.setItem(KEY, wanted);
  for (const listener of listeners) listener();
}

/** Why the language that was chosen last is not shown; null when it is. */
export function useMissingLanguage(): Error | null {
  return useSyncExternalStore(subscribe, () => missing);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
