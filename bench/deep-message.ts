import { transition } from '../src/channel/transition.ts';
import type { Message, Parameters } from '../src/message/message.ts';
import type { Outcome } from '../src/message/outcome.ts';
import { caughtUp, openRig, PARAMETERS, type Rig } from './rig.ts';
import { median, plainRow, quantile, type Row } from './row.ts';

const FULL = { transitions: 1_000_000, shows: 3_000 };
const QUICK = { transitions: 2_000, shows: 100 };
/** Transitions of one transaction. */
const BATCH = 1_000;
/** Three steps done, rewound, three steps undone: then the message stands where it began. */
const CYCLE = 7;

/** One message of very many transitions, any of which is shown as the API's `show` does. */
export async function measureDeepMessage(quick: boolean): Promise<Row[]> {
  const { transitions, shows } = quick ? QUICK : FULL;
  const rig = openRig();
  try {
    const seqs = Array.from({ length: shows }, (_, index) => 1 + scattered(index, transitions));
    const { msgid, ids, seconds } = await walk(rig, transitions, new Set(seqs));
    const show = (): Promise<number[]> => showAll(rig, msgid, seqs, ids);
    const name = `deep message: show one of ${transitions.toLocaleString('en')}`;
    // The index of ids is behind the writers now, by as much as it ever is.
    const behind = await showAll(rig, msgid, seqs.slice(0, 100), ids);
    await caughtUp(rig.store);
    await show(); // warm-up
    // What a transition costs to show, not what else the machine did at that moment.
    const passes = [await show(), await show(), await show()];
    const times = seqs.map((_, index) => median(passes.map(pass => pass[index] as number)));
    return [
      plainRow(`${name}, p50`, quantile(times, 0.5), 'ms', 'value < 10'),
      plainRow(`${name}, p99`, quantile(times, 0.99), 'ms', 'value < 10'),
      plainRow(`${name}, slowest of ${shows.toLocaleString('en')}`, Math.max(...times), 'ms', 'value < 10'),
      plainRow(`${name} while it is written, p50`, quantile(behind, 0.5), 'ms', 'value < 10'),
      plainRow('deep message: transitions written, one message', transitions / seconds, 'transitions/s'),
    ];
  } finally {
    await rig.close();
  }
}

/** The walk of a message whose owner rewinds it again and again, through the store's own writing of each transition. */
async function walk(
  { store, forward }: Rig,
  transitions: number,
  wanted: ReadonlySet<number>,
): Promise<{ msgid: number; ids: Map<number, string>; seconds: number }> {
  const began = performance.now();
  const [accepted] = await store.submit([
    { flow: 'create_vm', plan: forward, parameters: PARAMETERS, actor: 'bench' },
  ]);
  const msgid = accepted!.msgid;
  const ids = new Map<number, string>();
  for (let done = 0; done < transitions; done += BATCH) {
    const size = Math.min(BATCH, transitions - done);
    await store.transact(async tx => {
      let message = (await tx.message(msgid)) as Message;
      for (let made = 0; made < size; made++) {
        const by = { worker: 'bench', code: null, actor: 'coax', started: tx.now, finished: tx.now };
        message = await tx.move(message, transition(message, outcomeFor(message), by, 0.5));
        if (wanted.has(message.seq)) ids.set(message.seq, message.head);
      }
    });
  }
  return { msgid, ids, seconds: (performance.now() - began) / 1000 };
}

const NAMES = ['host', 'ip', 'uuid'] as const;

function outcomeFor({ mode, cursor, seq }: Message): Outcome {
  if (mode === 'rollback') return { kind: 'ok', set: {} };
  const name = NAMES[cursor];
  if (name !== undefined) return { kind: 'ok', set: { [name]: `${name}-${seq + 1}` } };
  return { kind: 'rewind', begun: false, to: 0, edit: {}, reason: 'the benchmark walks it again' };
}

/** What the walk has set after that transition: every figure is of a right answer. */
function expectedAt(seq: number): Parameters {
  const place = (seq - 1) % CYCLE;
  const first = seq - place;
  const set = place < 3 ? place + 1 : CYCLE - 1 - place;
  const names = NAMES.slice(0, Math.min(set, 3));
  return {
    ...PARAMETERS,
    ...Object.fromEntries(names.map((name, index) => [name, `${name}-${first + index}`])),
  };
}

/** Milliseconds of each show: the commit by the first 12 digits of its id, its message, the parameters before and after. */
async function showAll(
  { store }: Rig,
  msgid: number,
  seqs: readonly number[],
  ids: ReadonlyMap<number, string>,
): Promise<number[]> {
  const times: number[] = [];
  for (const seq of seqs) {
    const id = ids.get(seq) as string;
    const began = performance.now();
    const [commit] = await store.commitsByPrefix(id.slice(0, 12), 2);
    await store.message(msgid);
    const [, after] = await Promise.all([store.parametersAt(msgid, seq - 1), store.parametersAt(msgid, seq)]);
    times.push(performance.now() - began);
    const expected = expectedAt(seq);
    if (commit?.id !== id || JSON.stringify(sorted(after)) !== JSON.stringify(sorted(expected)))
      throw new Error(`transition ${seq} shows ${JSON.stringify(after)}, not ${JSON.stringify(expected)}`);
  }
  return times;
}

function sorted(parameters: Parameters | null): [string, unknown][] {
  return Object.entries(parameters ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Places all over the range, the same in every run. */
function scattered(index: number, range: number): number {
  return Math.floor(((index * 0.6180339887498949) % 1) * range);
}
