import { addressOf, GROUP_ADDRESS } from '../../../message/address.ts';
import { canonical } from '../../../message/canonical.ts';
import { DEFAULT_PROJECT } from '../../../message/limits.ts';
import type { Message } from '../../../message/message.ts';
import {
  baseOf,
  type FirstMessage,
  firstMessage,
  keptAbout,
  keptKey,
  keyConflict,
  requestHash,
} from '../../first-message.ts';
import { prefixNumber } from '../../id-prefix.ts';
import type { Accepted, Claim, Place, Submission, Written } from '../../store.ts';
import type { Engine } from '../engine.ts';
import { bigintArray, textArray } from '../link/binary-array.ts';
import type { Link } from '../link/link.ts';
import type { Notes } from '../notes.ts';
import { countedInsert, countValues, MessageQuotas } from './message-quota.ts';

const NEXT_MSGIDS = `SELECT nextval('messages_msgid') AS msgid FROM generate_series(1, $1::integer)`;

const KNOWN_KEYS = `SELECT i.key, i.msgid, i.request, c.id AS head FROM idempotency i
  LEFT JOIN commits c ON c.msgid = i.msgid AND c.seq = 0 WHERE i.key = ANY ($1::text[])`;

/**
 * Plans, keys, messages and first commits in one statement. The commits come after the messages, so that the transaction has
 * its number before it takes positions in the order of commits (see CommitFeed). A message that a worker here takes at once begins
 * with the lease of its first claim: its fence, and how often it was begun, are 1 then, and 0 else.
 */
const INSERT = `WITH new_plans AS (
  INSERT INTO plans (hash, body) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT (hash) DO NOTHING
), new_keys AS (
  INSERT INTO idempotency (key, msgid, request) SELECT * FROM unnest($3::text[], $4::bigint[], $5::text[])
), new_labels AS (
  INSERT INTO message_labels (msgid, name, value) SELECT * FROM unnest($25::bigint[], $26::text[], $27::text[])
), new_messages AS (
  INSERT INTO messages (msgid, flow, plan, mode, cursor, attempt, phase, floor, base, trail, seq, head, address, ready_at,
    fence, begun, parent_msgid, parent_step, parent_branch, parent_generation, project, actor, labels, trace,
    worker, lease_until, claim_tag, created, updated)
  SELECT msgid, flow, plan, 'normal', cursor::integer, 0, phase, floor::integer, base, '[]', 0, head, address, $6::bigint,
    fence, fence::integer, parent_msgid, parent_step::integer, parent_branch::integer, parent_generation, project, actor,
    labels, trace, worker, lease_until, CASE WHEN fence = 1 THEN $33::bigint END, $6::bigint, $6::bigint
  FROM unnest($7::bigint[], $8::text[], $9::text[], $10::bigint[], $11::text[], $12::bigint[], $13::text[], $14::text[],
    $15::text[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[], $20::text[], $24::text[], $28::text[],
    $29::text[], $30::bigint[], $31::text[], $32::bigint[])
    AS i (msgid, flow, plan, cursor, phase, floor, base, head,
      address, parent_msgid, parent_step, parent_branch, parent_generation, actor, project, labels, trace, fence, worker,
      lease_until)
  RETURNING msgid
)
INSERT INTO commits (msgid, seq, prefix, origin, id, body)
SELECT msgid, 0, prefix, $21::integer, id, body
FROM unnest($7::bigint[], $22::bigint[], $14::text[], $23::text[]) AS c (msgid, prefix, id, body)
WHERE (SELECT count(*) FROM new_messages) >= 0`;

/** The same where projects have so many messages a minute. */
const INSERT_COUNTED = countedInsert(INSERT, 34);

/** One caller's submissions: all are accepted or none. */
export interface SubmitCall {
  readonly batch: readonly Submission[];
}

interface Made {
  readonly first: FirstMessage;
  readonly base: string;
  readonly key: { readonly key: string; readonly request: string } | null;
  /** With whom it begins; null where it waits for a claim. */
  readonly place: Place | null;
}

/** Calls worked out: what is to be written, and what each call will be answered. */
export interface Prepared {
  readonly made: readonly Made[];
  readonly answers: readonly (readonly Accepted[] | Error)[];
  /** How many of them are counted against the messages of which project. */
  readonly counts: ReadonlyMap<string, number>;
  /** Of the leases that begin with them. */
  readonly tag: number;
}

interface Known {
  readonly msgid: number;
  readonly head: string;
  readonly request: string;
}

/** A submission with all that does not depend on its msgid. */
interface Draft {
  readonly submission: Submission;
  readonly planHash: string;
  readonly base: string;
  readonly request: string;
}

/** Gives msgids and makes the first commits; writes nothing yet. A call that cannot be kept gets its error as answer. */
export async function prepareSubmits(
  engine: Engine,
  link: Link,
  calls: readonly SubmitCall[],
  now: number,
): Promise<Prepared> {
  const drafts = calls.map(({ batch }) => attempt(() => batch.map(submission => draft(engine, submission))));
  const good = drafts.flatMap(found => (found instanceof Error ? [] : found));
  const projects = good.map(({ submission }) => submission.project ?? DEFAULT_PROJECT);
  const [{ known, msgids }, quotas] = await Promise.all([
    knownAndNew(link, good),
    MessageQuotas.read(link, projects, now),
  ]);
  const made: Made[] = [];
  const answers = drafts.map(found =>
    found instanceof Error ? found : attempt(() => answerOne(found, known, { msgids, made, quotas }, now)),
  );
  return { made, answers, counts: quotas.counts, tag: 0 };
}

/** Both are asked for at once; a msgid for a draft whose key is known is not used, and leaves a hole. */
async function knownAndNew(link: Link, drafts: readonly Draft[]) {
  const [known, msgids] = await Promise.all([knownKeys(link, drafts), nextMsgids(link, drafts.length)]);
  return { known, msgids: msgids.slice(countKnown(drafts, known)) };
}

function attempt<T>(work: () => T): T | Error {
  try {
    return work();
  } catch (error) {
    return error as Error;
  }
}

function draft(engine: Engine, submission: Submission): Draft {
  const planHash = engine.plans.hashOf(submission.plan).hash;
  const base = canonical(baseOf(submission));
  return { submission, planHash, base, request: requestHash(submission, planHash, base) };
}

async function knownKeys(link: Link, drafts: readonly Draft[]): Promise<Map<string, Known>> {
  const keys = drafts.flatMap(({ submission }) => keptKey(submission) ?? []);
  if (keys.length === 0) return new Map();
  const rows = await link.run<Known & { key: string }>(KNOWN_KEYS, [textArray(keys)]);
  return new Map(
    rows.map(row => [row.key, { msgid: row.msgid, head: row.head ?? '', request: row.request }]),
  );
}

function countKnown(drafts: readonly Draft[], known: ReadonlyMap<string, Known>): number {
  const seen = new Set(known.keys());
  let count = 0;
  for (const { submission } of drafts) {
    const key = keptKey(submission);
    if (key === undefined) continue;
    if (seen.has(key)) count += 1;
    seen.add(key);
  }
  return count;
}

async function nextMsgids(link: Link, count: number): Promise<number[]> {
  if (count <= 0) return [];
  const rows = await link.run<{ msgid: number }>(NEXT_MSGIDS, [count]);
  return rows.map(({ msgid }) => msgid).sort((a, b) => b - a);
}

/** Answers one call; what it makes is added to `made`, and its keys to `known`, only when all of it is right. */
function answerOne(
  drafts: readonly Draft[],
  known: Map<string, Known>,
  { msgids, made, quotas }: { msgids: number[]; made: Made[]; quotas: MessageQuotas },
  now: number,
): readonly Accepted[] {
  const own: Made[] = [];
  const fresh: Submission[] = [];
  const ownKeys = new Map<string, Known>();
  const answers = drafts.map(({ submission, planHash, base, request }): Accepted => {
    const key = keptKey(submission);
    const before = key === undefined ? undefined : (ownKeys.get(key) ?? known.get(key));
    if (key !== undefined && before !== undefined) {
      if (before.request !== request) throw keyConflict(key, before.msgid);
      return { msgid: before.msgid, head: before.head, created: false, message: null };
    }
    const msgid = msgids.pop();
    // A call before this one was refused, and its key is free again.
    if (msgid === undefined) throw new KeysMoved();
    const first = firstMessage(submission, msgid, planHash, now);
    fresh.push(submission);
    own.push({ first, base, key: key === undefined ? null : { key, request }, place: null });
    const { message } = first;
    const { head } = message;
    if (key !== undefined) ownKeys.set(key, { msgid, head, request });
    return { msgid, head, created: true, message };
  });
  quotas.take(fresh);
  made.push(...own);
  for (const [key, value] of ownKeys) known.set(key, value);
  return answers;
}

/** The keys of these calls depend on each other's fate: they must be tried one by one. */
export class KeysMoved extends Error {}

/** Leases those messages for which there is a place to the workers that keep it. */
export function withPlaces(
  engine: Engine,
  prepared: Prepared,
  reserve: (address: string) => Place | null,
  now: number,
): Prepared {
  const taken = new Map<number, Message>();
  const made = prepared.made.map((one): Made => {
    const { message } = one.first;
    const address = message.phase === 'open' ? addressOf(message, message.plan) : null;
    const place = address === null || address === GROUP_ADDRESS ? null : reserve(address);
    if (place === null) return one;
    const { worker, leaseMs } = place;
    // By a clock that is never ahead of the database's.
    const leased = { ...message, worker, leaseUntil: now + leaseMs, fence: 1, begun: 1 };
    taken.set(message.msgid, leased);
    return { ...one, place, first: { ...one.first, message: leased } };
  });
  if (taken.size === 0) return prepared;
  const asTaken = (one: Accepted): Accepted =>
    one.message === null ? one : { ...one, message: taken.get(one.msgid) ?? one.message };
  const answers = prepared.answers.map(answer => (answer instanceof Error ? answer : answer.map(asTaken)));
  return { ...prepared, made, answers, tag: engine.nextTag() };
}

/** The place that a message has with a worker, and the claim that is the worker's with it; null where it has none. */
export function placeOf({ place, first }: Made): { readonly place: Place; readonly claim: Claim } | null {
  const { message } = first;
  const { msgid, fence, leaseUntil } = message;
  return place && { place, claim: { msgid, fence, leaseUntil: leaseUntil ?? 0, message } };
}

/** What the workers were given that kept a place. `written`: first steps that are done, by their messages. */
export function fillPlaces({ made }: Prepared, written: ReadonlyMap<number, Written>): void {
  for (const { place, claim } of made.flatMap(one => placeOf(one) ?? [])) {
    const done = written.get(claim.msgid);
    const left = done === undefined ? claim : done.claim;
    if (left === null) place.free();
    else place.fill(left);
  }
}

/** Writes what was prepared. */
export async function insertPrepared(
  engine: Engine,
  link: Link,
  prepared: Pick<Prepared, 'made' | 'counts' | 'tag'>,
  now: number,
): Promise<void> {
  const { made, counts } = prepared;
  if (made.length === 0) return;
  const values = valuesOf(engine, prepared, now);
  if (counts.size === 0) await link.run(INSERT, values);
  else await link.run(INSERT_COUNTED, [...values, ...countValues(counts, now)]);
}

/** What is to be told of messages that were written. */
export function noteMade(made: readonly Made[], notes: Notes): void {
  for (const { first, place } of made) {
    notes.note(first.message, [first.commit]);
    const address = addressOf(first.message, first.message.plan);
    if (address !== null && place === null) notes.ready.push(address);
  }
}

function valuesOf(
  engine: Engine,
  { made, tag }: Pick<Prepared, 'made' | 'tag'>,
  now: number,
): (Buffer | number)[] {
  const plans = newPlans(engine, made);
  const keyed = made.flatMap(({ key, first }) =>
    key === null ? [] : [{ ...key, msgid: first.message.msgid }],
  );
  keyed.sort((a, b) => (a.key < b.key ? -1 : 1));
  const messages = made.map(({ first }) => first.message);
  const about = messages.map(keptAbout);
  const labels = messages.flatMap(({ msgid, labels: own }) =>
    Object.entries(own).map(([name, value]) => ({ msgid, name, value })),
  );
  const numbers = (of: (message: FirstMessage['message']) => number | null): Buffer =>
    bigintArray(messages.map(of));
  const texts = (of: (message: FirstMessage['message']) => string | null): Buffer =>
    textArray(messages.map(of));
  return [
    textArray(plans.map(({ hash }) => hash)),
    textArray(plans.map(({ body }) => body)),
    textArray(keyed.map(({ key }) => key)),
    bigintArray(keyed.map(({ msgid }) => msgid)),
    textArray(keyed.map(({ request }) => request)),
    now,
    numbers(({ msgid }) => msgid),
    texts(({ flow }) => flow),
    texts(({ planHash }) => planHash),
    numbers(({ cursor }) => cursor),
    texts(({ phase }) => phase),
    numbers(({ floor }) => floor),
    textArray(made.map(({ base }) => base)),
    texts(({ head }) => head),
    texts(message => addressOf(message, message.plan)),
    numbers(({ parent }) => parent?.msgid ?? null),
    numbers(({ parent }) => parent?.step ?? null),
    numbers(({ parent }) => parent?.branch ?? null),
    numbers(({ parent }) => parent?.generation ?? null),
    texts(({ actor }) => actor),
    engine.origin,
    numbers(({ head }) => prefixNumber(head)),
    textArray(made.map(({ first }) => first.encoded)),
    texts(({ project }) => project),
    bigintArray(labels.map(({ msgid }) => msgid)),
    textArray(labels.map(({ name }) => name)),
    textArray(labels.map(({ value }) => value)),
    textArray(about.map(kept => kept.labels)),
    textArray(about.map(kept => kept.trace)),
    numbers(({ fence }) => fence),
    texts(({ worker }) => worker),
    numbers(({ leaseUntil }) => leaseUntil),
    tag,
  ];
}

function newPlans({ plans }: Engine, made: readonly Made[]): { hash: string; body: string }[] {
  const found = new Map<string, { hash: string; body: string }>();
  for (const { first } of made) {
    const { plan, planHash } = first.message;
    if (!plans.isKept(planHash) && !found.has(planHash)) found.set(planHash, plans.hashOf(plan));
  }
  return [...found.values()].sort((a, b) => (a.hash < b.hash ? -1 : 1));
}

/** Hashes of the plans that are in the database now that these messages are. */
export function plansOf(made: readonly Made[]): Set<string> {
  return new Set(made.map(({ first }) => first.message.planHash));
}

/** Was all of this written although its answer never came? It is one statement: all of it or nothing. */
export async function foundSubmitted(link: Link, made: readonly Made[]): Promise<boolean> {
  const first = made[0]?.first.message;
  if (first === undefined) return true;
  const rows = await link.run<{ id: string }>('SELECT id FROM commits WHERE msgid = $1 AND seq = 0', [
    first.msgid,
  ]);
  if (rows[0]?.id !== first.head) return false;
  await link.settle();
  return true;
}
