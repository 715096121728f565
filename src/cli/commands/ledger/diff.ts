import type { Change, CommitDiff, MessageDiff } from '../../../ledger/diff.ts';
import { resolveSide, shortId } from '../../input/refs.ts';
import { deedOf } from '../../live/commit-line.ts';
import type { Output } from '../../output/output.ts';
import { plain, valueText } from '../../output/text.ts';
import { defineVerb } from '../../verb.ts';

/** Where two messages part, or how two commits differ. */
export const verb = defineVerb<{ exitCode?: boolean }>({
  examples: [
    ['coax diff 141592 141593', 'the first transition in which two messages differ, and their parameters'],
    ['coax diff 141592~2 141592', 'what the last two transitions of a message changed'],
    ['coax diff 9f2c1ab 77d0e31 --exit-code', 'two commits; leaves with 1 if they differ'],
  ],
  args: [
    { name: '<a>', about: 'First digits of a commit id, MSGID, MSGID~N or @', completes: 'msgid' },
    { name: '<b>', about: 'The same', completes: 'msgid' },
  ],
  options: [{ flags: '--exit-code', about: 'Leave with 1 if they differ' }],
  statuses: [
    [0, 'compared'],
    [1, 'with --exit-code: they differ'],
  ],
  async run(context, [a = '', b = ''], { exitCode }) {
    const { out } = context;
    const client = await context.client();
    // Commits compare with commits: `141592~2 141592` means the newest commit of the second.
    const commits = a.includes('~') || b.includes('~');
    const side = async (word: string) =>
      resolveSide(client, commits && /^(@|\d+)$/.test(word) ? `${word}~0` : word);
    const diff = (await client.diff(await side(a), await side(b))) as unknown as CommitDiff | MessageDiff;
    const differs =
      diff.parameters.length > 0 ||
      ('divergence' in diff ? diff.divergence !== null : diff.members.length > 0);
    await out.object(diff, '', () =>
      'divergence' in diff ? printMessages(out, a, b, diff) : printCommits(out, diff),
    );
    return exitCode && differs ? 1 : 0;
  },
});

function printMessages(out: Output, a: string, b: string, { divergence, parameters }: MessageDiff): void {
  if (divergence === null) out.line('the same transitions');
  else {
    out.line(out.style('bold', `they part at transition ${divergence.seq}`));
    for (const [word, commit] of [
      [a, divergence.a],
      [b, divergence.b],
    ] as const) {
      const text =
        commit === null
          ? 'had ended'
          : `${shortId(commit.id)}  ${deedOf({ ...commit, codeChanged: false } as never)}  ${commit.outcome}${commit.error ? `  ${plain(commit.error.reason)}` : ''}`;
      out.line(`  ${out.style('dim', word)}  ${text}`);
    }
    printMembers(out, divergence.members);
  }
  printChanges(out, parameters);
}

function printCommits(out: Output, { a, b, members, parameters }: CommitDiff): void {
  out.line(out.style('red', `--- ${shortId(a.commit.id)}  message ${a.commit.msgid} commit ${a.commit.seq}`));
  out.line(
    out.style('green', `+++ ${shortId(b.commit.id)}  message ${b.commit.msgid} commit ${b.commit.seq}`),
  );
  printMembers(out, members);
  printChanges(out, parameters);
}

function printMembers(out: Output, members: CommitDiff['members']): void {
  const shown = members.filter(
    ({ member }) => !['parent', 'started', 'finished', 'log', 'detail', 'set', 'unset'].includes(member),
  );
  if (shown.length === 0) return;
  const columns = [
    { head: 'MEMBER', cell: (row: CommitDiff['members'][number]) => row.member as string },
    { head: 'A', cell: (row: CommitDiff['members'][number]) => valueText(row.a, 50) },
    { head: 'B', cell: (row: CommitDiff['members'][number]) => valueText(row.b, 50) },
  ];
  out.line();
  for (const line of out.table(shown, columns)) out.line(line);
}

function printChanges(out: Output, changes: readonly Change[]): void {
  out.line();
  if (changes.length === 0) out.line('the same parameters');
  for (const change of changes) {
    if (change.kind !== 'added')
      out.line(out.style('red', `-${plain(change.name)}=${valueText(change.before)}`));
    if (change.kind !== 'removed')
      out.line(out.style('green', `+${plain(change.name)}=${valueText(change.after)}`));
  }
}
