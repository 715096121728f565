import { type Commit, decodeCommit } from '../../../ledger/commit.ts';
import { prefixRange } from '../../id-prefix.ts';
import type { Link } from '../link/link.ts';
import { codeOf } from '../postgres-error.ts';
import { BLOCK_KEY } from '../schema.ts';

/** Of a key that BLOCK_KEY makes: where its block begins, and how much of a prefix is below it. */
const BLOCK_BITS = 32;
const PREFIX_DIVISOR = 2 ** 16;

const UNDEFINED_TABLE = '42P01';

interface CommitRow {
  readonly id: string;
  readonly body: string;
}

/** One partition: a look at the first key of each of its blocks leads to the next, however far apart they are. */
const findIn = (partition: string): string => `WITH RECURSIVE blocks (block) AS (
  (SELECT ${BLOCK_KEY} >> ${BLOCK_BITS} FROM ${partition} ORDER BY ${BLOCK_KEY} LIMIT 1)
  UNION ALL
  SELECT (SELECT ${BLOCK_KEY} >> ${BLOCK_BITS} FROM ${partition}
    WHERE ${BLOCK_KEY} >= (b.block + 1) << ${BLOCK_BITS} ORDER BY ${BLOCK_KEY} LIMIT 1)
  FROM blocks b WHERE b.block IS NOT NULL
)
SELECT c.id, c.body FROM blocks b CROSS JOIN LATERAL (
  SELECT id, body FROM ${partition}
  WHERE ${BLOCK_KEY} BETWEEN (b.block << ${BLOCK_BITS}) + $1::bigint AND (b.block << ${BLOCK_BITS}) + $2::bigint
    AND substr(id, 1, $3::integer) = $4::text LIMIT $5::bigint
) c WHERE b.block IS NOT NULL LIMIT $5::bigint`;

/** Commits whose ids begin so. The index has them by blocks of positions, so each block is looked into: some microseconds for each. */
export async function readCommitsByPrefix(link: Link, prefix: string, limit: number): Promise<Commit[]> {
  const [low, high] = prefixRange(prefix).map(number => Math.floor(number / PREFIX_DIVISOR));
  const partitions = await link.run<{ name: string }>(
    `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'commits'::regclass ORDER BY 1`,
  );
  const found = await Promise.all(
    partitions.map(({ name }) => findOrGone(link, name, [low, high, prefix.length, prefix, limit])),
  );
  return found
    .flat()
    .slice(0, limit)
    .map(({ id, body }) => decodeCommit(id, body));
}

async function findOrGone(link: Link, partition: string, values: readonly unknown[]): Promise<CommitRow[]> {
  try {
    return (await link.once(findIn(partition), values)).rows as CommitRow[];
  } catch (error) {
    // It was detached and dropped meanwhile: its messages are archived.
    if (codeOf(error) === UNDEFINED_TABLE) return [];
    throw error;
  }
}
