/** What the engine is asked to do. */
export type Request =
  | { readonly kind: 'evaluate'; readonly code: string }
  | { readonly kind: 'time'; readonly code: string }
  | { readonly kind: 'describe'; readonly name: string }
  | { readonly kind: 'complete'; readonly line: string }
  | { readonly kind: 'load'; readonly name: string; readonly file: string; readonly header: string };

export type Answer =
  | { readonly kind: 'value'; readonly text: string }
  | { readonly kind: 'function'; readonly text: string; readonly name: string }
  | { readonly kind: 'completions'; readonly names: readonly string[]; readonly start: string }
  | { readonly kind: 'error'; readonly text: string; readonly hint: string }
  /** More lines may follow. */
  | { readonly kind: 'unfinished' };
