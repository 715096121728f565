/**
 * Judges the whole history of a run, as Jepsen's checkers do: what clients were answered and saw, what the ledger holds,
 * what the steps did. Pure: the same history gives the same violations. All times are milliseconds of one machine's clock.
 */

/** One request that a client made, with all its tries: `msgid` null = it never got an answer. */
export interface Call {
  readonly key: string;
  /** The first try was sent then. */
  readonly sent: number;
  readonly answered: number;
  readonly msgid: number | null;
}

/** A client's look at a message. */
export interface Look {
  readonly msgid: number;
  readonly sent: number;
  readonly answered: number;
  readonly seq: number;
  readonly head: string;
}

/** A row of the ledger, as the database holds it. */
export interface LedgerRow {
  readonly msgid: number;
  readonly seq: number;
  readonly id: string;
  readonly parent: string | null;
  /** Order in which the database wrote them. */
  readonly pos: number;
  readonly outcome: string;
  readonly started: number;
  /** The execution whose outcome it is; null when no step ran. */
  readonly run: string | null;
}

/** One execution of a step: from its first to its last line in the log of effects; `ended` null = it was cut off. */
export interface Run {
  readonly run: string;
  readonly msgid: number;
  /** COAX_KEY */
  readonly key: string;
  readonly began: number;
  readonly ended: number | null;
}

export interface End {
  readonly msgid: number;
  /** The idempotency key under which it was sent; null for the children of a group. */
  readonly key: string | null;
  readonly status: string;
  /** Keys of the effects that it has when it is done. */
  readonly effects: readonly string[];
}

export interface History {
  readonly calls: readonly Call[];
  readonly looks: readonly Look[];
  readonly ledger: readonly LedgerRow[];
  readonly runs: readonly Run[];
  readonly ends: readonly End[];
  /** Keys of the effects that are there, each as often as it was made. */
  readonly effects: readonly string[];
  readonly fsck: readonly string[];
}

/** Clocks of processes on one machine differ by what a look at the database's takes. */
const CLOCK_MS = 250;

/** What is wrong with a history; empty when every promise was kept. */
export function check(history: History): string[] {
  const chains = Map.groupBy(history.ledger, ({ msgid }) => msgid);
  return [
    ...lostMessages(history, chains),
    ...keysTakenTwice(history),
    ...[...chains].flatMap(([msgid, rows]) => brokenChain(msgid, rows)),
    ...[...chains].flatMap(([msgid, rows]) => acceptedOutOfTime(msgid, rows, history.calls)),
    ...wrongLooks(history, chains),
    ...sharedLeases(history),
    ...wrongEffects(history),
    ...history.fsck.map(fault => `fsck: ${fault}`),
  ];
}

/** Whoever was answered has a message, and it has come to its end. */
function lostMessages({ calls, ends }: History, chains: ReadonlyMap<number, readonly LedgerRow[]>): string[] {
  const ended = new Map(ends.map(end => [end.msgid, end]));
  return calls.flatMap(({ key, msgid }) => {
    if (msgid === null) return [];
    if (!chains.has(msgid) || !ended.has(msgid)) return [`lost: message ${msgid} was accepted under ${key}`];
    return ended.get(msgid)?.key === key ? [] : [`lost: message ${msgid} is not that of ${key}`];
  });
}

function keysTakenTwice({ calls, ends }: History): string[] {
  const msgids = new Map<string, Set<number>>();
  for (const { key, msgid } of [...calls, ...ends]) {
    if (key === null || msgid === null) continue;
    msgids.set(key, (msgids.get(key) ?? new Set()).add(msgid));
  }
  return [...msgids].flatMap(([key, found]) =>
    found.size > 1 ? [`twice: ${key} made the messages ${[...found].sort().join(', ')}`] : [],
  );
}

/** One commit for each sequence number, each on the one before, written in that order. */
function brokenChain(msgid: number, rows: readonly LedgerRow[]): string[] {
  const sorted = [...rows].sort((a, b) => a.seq - b.seq || a.pos - b.pos);
  return sorted.flatMap((row, index) => {
    const before = sorted[index - 1];
    if (row.seq === before?.seq) return [`chain: message ${msgid} has two commits of number ${row.seq}`];
    if (row.seq !== index) return [`chain: message ${msgid} has no commit before number ${row.seq}`];
    if (row.parent !== (before?.id ?? null))
      return [`chain: commit ${row.seq} of message ${msgid} is not on the one before`];
    if (before !== undefined && row.pos <= before.pos)
      return [`chain: commit ${row.seq} of message ${msgid} was written before the one before`];
    return [];
  });
}

/** Accepted after it was asked for, and before the answer. */
function acceptedOutOfTime(msgid: number, rows: readonly LedgerRow[], calls: readonly Call[]): string[] {
  const first = rows.find(({ seq }) => seq === 0);
  return calls
    .filter(call => call.msgid === msgid)
    .flatMap(({ sent, answered, key }) => {
      if (first === undefined) return [];
      if (first.started < sent - CLOCK_MS) return [`time: message ${msgid} was there before ${key} was sent`];
      if (first.started > answered + CLOCK_MS)
        return [`time: message ${msgid} came after ${key} was answered`];
      return [];
    });
}

/** What was seen is in the ledger, and a later look at a message, at whatever server, never shows an earlier state. */
function wrongLooks({ looks }: History, chains: ReadonlyMap<number, readonly LedgerRow[]>): string[] {
  const found: string[] = [];
  for (const [msgid, seen] of Map.groupBy(looks, look => look.msgid)) {
    for (const { seq, head } of seen) {
      const row = chains.get(msgid)?.find(each => each.seq === seq);
      if (row?.id !== head)
        found.push(
          `look: message ${msgid} was seen at ${seq} ${head.slice(0, 8)}, which is not in the ledger`,
        );
    }
    const byAnswer = [...seen].sort((a, b) => a.answered - b.answered);
    for (const later of seen) {
      const earlier = byAnswer.find(({ answered, seq }) => answered < later.sent && seq > later.seq);
      if (earlier !== undefined)
        found.push(`look: message ${msgid} was seen at ${earlier.seq} and after that at ${later.seq}`);
    }
  }
  return found;
}

/** Of two executions whose outcomes both count for one message, one had ended before the other began. */
function sharedLeases({ ledger, runs }: History): string[] {
  const counted = new Map<string, number>();
  for (const { run } of ledger) if (run !== null) counted.set(run, (counted.get(run) ?? 0) + 1);
  const found = [...counted].flatMap(([run, times]) =>
    times > 1 ? [`lease: the outcome of run ${run} was committed ${times} times`] : [],
  );
  const known = new Set(runs.map(({ run }) => run));
  for (const run of counted.keys()) if (!known.has(run)) found.push(`lease: run ${run} is in no log`);
  for (const [msgid, all] of Map.groupBy(runs, ({ msgid }) => msgid)) {
    const kept = all.filter(({ run }) => counted.has(run)).sort((a, b) => a.began - b.began);
    for (const [index, run] of kept.entries()) {
      const next = kept[index + 1];
      if (next !== undefined && (run.ended ?? Number.POSITIVE_INFINITY) > next.began)
        found.push(
          `lease: runs ${run.run} and ${next.run} of message ${msgid} overlap, and both count; ` +
            `the first ended ${run.ended === null ? 'at no time that is known' : `${run.ended - next.began} ms after the second began`}`,
        );
    }
  }
  return found;
}

/** Exactly once for what is done, none for what is rolled back, and nothing that nobody wanted. */
function wrongEffects({ ends, effects }: History): string[] {
  const found: string[] = [];
  const times = new Map<string, number>();
  for (const key of effects) times.set(key, (times.get(key) ?? 0) + 1);
  for (const { msgid, status, effects: wanted } of ends) {
    if (status !== 'done' && status !== 'rolled_back') found.push(`end: message ${msgid} is ${status}`);
    if (status !== 'done') continue;
    for (const key of wanted) {
      const count = times.get(key) ?? 0;
      if (count !== 1)
        found.push(`effect: ${key} of message ${msgid}, which is done, is there ${count} times`);
      times.delete(key);
    }
  }
  for (const key of times.keys()) found.push(`effect: ${key} is there, and no message that is done has it`);
  return found;
}

/** Executions that ran beside one that counts: allowed (a step is done at least once), and worth knowing. */
export function zombies({ ledger, runs }: History): number {
  const counted = new Set(ledger.flatMap(({ run }) => run ?? []));
  return runs.filter(({ run }) => !counted.has(run)).length;
}
