import type { CommitView } from '../../api/commit.ts';
import { type Style, styleStatus } from '../output/style.ts';
import { plain, valueText } from '../output/text.ts';
import { duration } from '../output/time.ts';
import { partlyOfCommit } from './partly.ts';

/** What a commit was about, as words: `do network alloc_ip`, `undo network alloc_ip`, `accepted`. */
export function deedOf(commit: CommitView): string {
  if (commit.step === null) return commit.outcome;
  return `${commit.mode === 'rollback' ? 'undo ' : ''}${plain(commit.step)}`;
}

const OUTCOME_FORMATS: Readonly<Record<string, Parameters<Style>[0]>> = {
  accepted: 'blue',
  ok: 'green',
  retry: 'yellow',
  failed: 'red',
  parked: ['red', 'bold'],
  cancel: 'magenta',
  revert: 'magenta',
  amend: 'blue',
  rewind: 'magenta',
  resolve: 'magenta',
  split: 'cyan',
};

export function styleOutcome(style: Style, outcome: string): string {
  const format = OUTCOME_FORMATS[outcome];
  return format ? style(format, outcome) : styleStatus(style, outcome);
}

/** `+ip=10.0.0.4 -host`: what a commit changed in the parameters. */
export function changesText(commit: CommitView, style: Style, columns = 60): string {
  const set = Object.entries(commit.set ?? {}).map(([name, value]) =>
    style('green', `+${plain(name)}=${valueText(value, columns)}`),
  );
  const unset = (commit.unset ?? []).map(name => style('red', `-${plain(name)}`));
  return [...set, ...unset].join(' ');
}

/** One transition as one dated line. */
export function commitLine(commit: CommitView, style: Style): string {
  const took = commit.step === null ? '' : ` ${duration(commit.finished - commit.started)}`;
  return [
    style('dim', new Date(commit.finished).toISOString().replace(/\.\d+Z$/, 'Z')),
    style('bold', String(commit.msgid)),
    deedOf(commit),
    commit.step === null ? '' : styleOutcome(style, commit.outcome),
    commit.attempt > 1 ? `attempt ${commit.attempt}` : '',
    style('yellow', partlyOfCommit(commit)),
    changesText(commit, style),
    commit.error ? style('red', `${plain(commit.error.reason)} (${plain(commit.error.code)})`) : '',
    style('dim', `${commit.worker ?? commit.actor}${took}`),
  ]
    .filter(part => part !== '')
    .join('  ');
}
