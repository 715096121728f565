import { DEFAULT_PROJECT } from '../../../message/limits.ts';
import { type MessageQuota, messagesLeft, minuteOf, tooManyMessages } from '../../projects/message-quota.ts';
import type { Submission } from '../../store.ts';
import { bigintArray, textArray } from '../link/binary-array.ts';
import type { Link } from '../link/link.ts';

interface Left {
  readonly perMinute: number;
  left: number;
}

/** How many messages each project with such a limit may still have accepted in this minute, and how many it gets here. */
export class MessageQuotas {
  readonly #now: number;
  readonly #left: ReadonlyMap<string, Left>;
  /** Messages that are made here, by project, where there is a limit. */
  readonly counts = new Map<string, number>();

  private constructor(now: number, left: ReadonlyMap<string, Left>) {
    this.#now = now;
    this.#left = left;
  }

  static async read(link: Link, projects: readonly string[], now: number): Promise<MessageQuotas> {
    const rows = await link.run<MessageQuota & { project: string }>(
      `SELECT project, messages_per_minute AS per_minute, minute, messages FROM quotas
       WHERE project = ANY ($1::text[]) AND messages_per_minute IS NOT NULL`,
      [textArray([...new Set(projects)])],
    );
    const left = rows.map(row => [row.project, Number(row.per_minute), messagesLeft(row, now)] as const);
    return new MessageQuotas(
      now,
      new Map(left.map(([project, perMinute, many]) => [project, { perMinute, left: many }])),
    );
  }

  /** Counts what one call makes. Errors: COAX_QUOTA_EXCEEDED, and nothing is counted. */
  take(submissions: readonly Submission[]): void {
    if (this.#left.size === 0) return;
    const own = submissions.filter(({ parent }) => parent === undefined);
    const byProject = Map.groupBy(own, ({ project = DEFAULT_PROJECT }) => project);
    for (const [project, of] of byProject) {
      const quota = this.#left.get(project);
      if (quota !== undefined && quota.left < of.length)
        throw tooManyMessages(project, quota.perMinute, this.#now);
    }
    for (const [project, of] of byProject) {
      const quota = this.#left.get(project);
      if (quota === undefined) continue;
      quota.left -= of.length;
      this.counts.set(project, (this.counts.get(project) ?? 0) + of.length);
    }
  }
}

/**
 * The statement that accepts, which also counts the messages where that many are left. What was read before may be old: when not
 * every project could be counted the whole statement fails, as a division by zero, and is prepared anew. `first`: the number of
 * the first of its own values.
 */
export const countedInsert = (insert: string, first: number): string => {
  const [projects, many, minute, all] = [0, 1, 2, 3].map(at => `$${first + at}`);
  const counted = `counted AS (
  UPDATE quotas q SET minute = ${minute}::bigint,
    messages = CASE WHEN q.minute = ${minute}::bigint THEN q.messages ELSE 0 END + i.many
  FROM unnest(${projects}::text[], ${many}::bigint[]) AS i (project, many)
  WHERE q.project = i.project AND (q.messages_per_minute IS NULL
    OR CASE WHEN q.minute = ${minute}::bigint THEN q.messages ELSE 0 END + i.many <= q.messages_per_minute)
  RETURNING q.project
)`;
  return `${insert.replace('WITH ', `WITH ${counted}, `)}
    AND 1 / (CASE WHEN (SELECT count(*) FROM counted) = ${all}::bigint THEN 1 ELSE 0 END) = 1`;
};
/** The code of that failure: division_by_zero. */
export const NOT_COUNTED = '22012';

export function countValues(counts: ReadonlyMap<string, number>, now: number): (Buffer | number)[] {
  const projects = [...counts.keys()].sort();
  const many = projects.map(project => counts.get(project) ?? 0);
  return [textArray(projects), bigintArray(many), minuteOf(now), projects.length];
}
