import type { CommitView } from '../../../../../src/api/commit.ts';

/** How a commit changed one parameter; `before` or `after` is absent where there was none. */
export interface Change {
  readonly name: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/**
 * What each commit changed, by its id, with the values from before it. Of a history whose beginning is not there the values
 * from before are known only as far as its own commits tell them.
 */
export function changesOf(newestFirst: readonly CommitView[]): Map<string, readonly Change[]> {
  const values = new Map<string, unknown>();
  const changes = new Map<string, readonly Change[]>();
  for (const commit of newestFirst.toReversed()) {
    const found: Change[] = [];
    for (const name of commit.unset ?? []) {
      found.push(values.has(name) ? { name, before: values.get(name) } : { name });
      values.delete(name);
    }
    for (const [name, after] of Object.entries(commit.set ?? {})) {
      found.push(values.has(name) ? { name, before: values.get(name), after } : { name, after });
      values.set(name, after);
    }
    changes.set(
      commit.id,
      found.sort((a, b) => (a.name < b.name ? -1 : 1)),
    );
  }
  return changes;
}
