import type { SubmitFlow } from '../../../api/message.ts';
import type { Client } from '../../../client/client.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import type { Labels } from '../../../message/carried/labels.ts';
import { traceOf } from '../../../message/carried/trace.ts';
import type { Parameters } from '../../../message/message.ts';
import type { Context } from '../../context.ts';
import { type Line, readLines } from '../../input/parameter-files.ts';
import { Progress } from '../../live/progress.ts';
import { waitForMany } from './wait-many.ts';

export interface ManyOptions {
  readonly flow: string;
  readonly common: Parameters;
  readonly from: string;
  readonly wait?: boolean;
  readonly timeout?: number;
  readonly key?: string;
  readonly labels?: Labels;
}

export const BATCH = 1000;

/** Submits one message for each line, and counts how they end when asked to wait. */
export async function runMany(context: Context, client: Client, options: ManyOptions): Promise<number> {
  // A file is read twice: a bad last line must not leave the first ones submitted.
  if (options.from !== '-') for await (const _ of readLines(options.from));
  return countMany(context, client, accepted(client, options), options);
}

async function* accepted(client: Client, options: ManyOptions): AsyncGenerator<number[]> {
  let before = 0;
  for await (const batch of batches(readLines(options.from))) {
    const msgids = await submit(client, options, batch, before);
    before += msgids.length;
    yield msgids;
  }
}

/** Counts messages as they are accepted, and how they end when asked to wait. Gives the exit status. */
export async function countMany(
  context: Context,
  client: Client,
  accepted: AsyncIterable<readonly number[]>,
  options: Pick<ManyOptions, 'wait' | 'timeout'>,
): Promise<number> {
  const { out } = context;
  const started = Date.now();
  const progress = new Progress(out);
  const wait = options.wait ? waitForMany(client, progress, options.timeout) : null;
  const onInterrupt = () => {
    // Gives the cursor back first.
    progress.close();
    out.hint(`interrupted: ${progress.counts.submitted} messages were accepted and go on; coax ls`);
    process.exit(130);
  };
  process.once('SIGINT', onInterrupt);
  try {
    for await (const msgids of accepted) {
      progress.add('submitted', msgids.length);
      wait?.add(msgids);
      if (!wait && out.format === 'name') for (const msgid of msgids) out.line(String(msgid));
    }
    process.off('SIGINT', onInterrupt);
    const status = (await wait?.end()) ?? 0;
    await summary(context, progress, started, wait !== null);
    if (status === 130) out.hint('interrupted: the messages go on; coax ls');
    return status;
  } finally {
    process.off('SIGINT', onInterrupt);
    progress.close();
    wait?.stop();
  }
}

async function submit(
  client: Client,
  options: ManyOptions,
  lines: readonly Line[],
  before: number,
): Promise<number[]> {
  const many = lines.map(
    ({ number, parameters }): SubmitFlow => ({
      flow: options.flow,
      parameters: { ...parameters, ...options.common },
      ...(options.labels && { labels: options.labels }),
      ...(options.key !== undefined && { key: `${options.key}-${number}` }),
    }),
  );
  const { items } = await client
    .submitMany(many, { trace: traceOf(process.env.TRACEPARENT, process.env.TRACESTATE) })
    .catch(error => blameLines(error, options.from, lines, before));
  return items.flatMap((item, index) => {
    if ('msgid' in item) return [item.msgid];
    const { detail, hint, code } = item.error;
    throw new CoaxError('COAX_IDEMPOTENCY_CONFLICT', detail, {
      where: `${options.from}:${lines[index]?.number}`,
      hint: `${hint} (${code}; ${before + index} messages were accepted before this line)`,
    });
  });
}

/** Turns `/3/parameters/cpu` into the line of the file. */
function blameLines(error: unknown, file: string, lines: readonly Line[], before: number): never {
  if (!(error instanceof CoaxError)) throw error;
  const place = (pointer: string) => {
    const found = /^\/(\d+)(.*)$/.exec(pointer);
    const line = found && lines[Number(found[1])];
    return line ? `${file}:${line.number}${found[2] ? ` ${found[2]}` : ''}` : pointer;
  };
  throw new CoaxError(error.code, error.reason, {
    ...(error.where !== undefined && { where: place(error.where) }),
    faults: error.faults.map(fault => ({ where: place(fault.where), reason: fault.reason })),
    hint: `${error.hint.replace(/[^.…]$/, '$&.')} Nothing of lines ${lines[0]?.number} to ${lines.at(-1)?.number} was accepted; ${before.toLocaleString('en')} messages were before.`,
    cause: error,
  });
}

async function* batches(lines: AsyncIterable<Line>): AsyncGenerator<Line[]> {
  let batch: Line[] = [];
  for await (const line of lines) {
    batch.push(line);
    if (batch.length === BATCH) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

async function summary(
  { out }: Context,
  progress: Progress,
  started: number,
  waited: boolean,
): Promise<void> {
  progress.close();
  const { submitted, done, rolledBack, parked } = progress.counts;
  const seconds = Math.round((Date.now() - started) / 10) / 100;
  const value = waited ? { submitted, done, rolledBack, parked, seconds } : { submitted, seconds };
  if (out.format === 'name') return;
  await out.object(value, '', () =>
    out.line(
      Object.entries(value)
        .map(([name, count]) => `${count.toLocaleString('en')} ${LABELS[name] ?? name}`)
        .join(', '),
    ),
  );
}

const LABELS: Readonly<Record<string, string>> = { rolledBack: 'rolled back', seconds: 's' };
