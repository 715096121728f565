import type { CommitView } from '../../../api/commit.ts';
import { CODES } from '../../../errors/codes.ts';
import type { Parameters } from '../../../message/message.ts';
import { shortId } from '../../input/refs.ts';
import { deedOf, styleOutcome } from '../../live/commit-line.ts';
import { failedLines, partlyOfCommit } from '../../live/partly.ts';
import type { Output } from '../../output/output.ts';
import type { Style } from '../../output/style.ts';
import { plain, plainLines, valueText } from '../../output/text.ts';
import { age, duration, localTime } from '../../output/time.ts';

/** The head of a commit as `git log` has it. */
export function commitHead(commit: CommitView, out: Output, decoration = ''): string[] {
  const { style } = out;
  const id = out.format === 'wide' ? commit.id : shortId(commit.id);
  const attempt = commit.attempt > 1 ? ` (attempt ${commit.attempt})` : '';
  const outcome = commit.step === null ? '' : `  ${styleOutcome(style, commit.outcome)}${attempt}`;
  const changed = commit.codeChanged
    ? `  ${style('yellow', '(changed since the message was accepted)')}`
    : '';
  const code = commit.code === null ? null : `${commit.code.slice(0, 10)}${changed}`;
  return [
    `${style('yellow', `commit ${id}`)}${decoration ? ` ${decoration}` : ''}`,
    ...field('Step', `${deedOf(commit)}${outcome}`),
    ...field('Worker', commit.worker === null ? null : plain(commit.worker)),
    ...field('Code', code),
    ...field('Actor', plain(commit.actor)),
    ...field('Date', dateText(commit, out)),
  ];
}

function field(name: string, value: string | null): string[] {
  return value === null ? [] : [`${`${name}:`.padEnd(8)}${value}`];
}

function dateText({ started, finished, step }: CommitView, out: Output): string {
  const took = step === null ? '' : `, took ${duration(finished - started)}`;
  const exact = out.timeHead('', 'utc') === '' ? localTime(finished) : out.time(finished);
  return `${exact} (${age(finished, Date.now())} ago${took})`;
}

/** What the commit says beside its parameters: why, the error with what to do, the step's log. */
export function commitTail(commit: CommitView, out: Output, withLog: boolean): string[] {
  const { style } = out;
  const { error, detail, log } = commit;
  const lines: string[] = [];
  const reason = reasonOf(detail);
  if (reason) lines.push('', `    ${reason}`);
  if (error) {
    lines.push('', `    ${style('red', plain(error.reason))} ${style('dim', `(${plain(error.code)})`)}`);
    const hint = Object.hasOwn(CODES, error.code) ? CODES[error.code as keyof typeof CODES].hint : null;
    if (hint)
      lines.push(
        `    ${style('dim', hint.replaceAll('MSGID', String(commit.msgid)).replaceAll('COMMIT', shortId(commit.id)))}`,
      );
  }
  const partly = partlyOfCommit(commit);
  if (partly !== '') lines.push('', `    ${style('yellow', partly)}`);
  for (const line of failedLines(commit)) lines.push(`    ${line}`);
  const text = log ?? error?.log;
  if (withLog && text) lines.push('', ...plainLines(text).map(line => `    ${style('dim', '|')} ${line}`));
  return lines;
}

function reasonOf(detail: unknown): string {
  if (typeof detail !== 'object' || detail === null || !('reason' in detail)) return '';
  return typeof detail.reason === 'string' ? plain(detail.reason) : '';
}

/** Parameters before → after, as the lines of a diff. */
export function changeLines(before: Parameters, after: Parameters, style: Style): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap(name => {
    const old = Object.hasOwn(before, name) ? JSON.stringify(before[name]) : null;
    const now = Object.hasOwn(after, name) ? JSON.stringify(after[name]) : null;
    if (old === now) return [];
    return [
      ...(old === null ? [] : [style('red', `    -${plain(name)}=${valueText(before[name])}`)]),
      ...(now === null ? [] : [style('green', `    +${plain(name)}=${valueText(after[name])}`)]),
    ];
  });
}
