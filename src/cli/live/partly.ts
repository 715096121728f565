import type { CommitView } from '../../api/commit.ts';
import type { MessageView } from '../../api/message.ts';
import { isPartly, partlyText } from '../../message/group/tolerance.ts';
import { isGroupLabel } from '../../message/step-label.ts';
import { plain, valueText } from '../output/text.ts';

/** What a group's commit says when branches failed and were tolerated; empty for every other commit. */
export function partlyOfCommit({ step, detail }: CommitView): string {
  if (!step || !isGroupLabel(step) || !hasMember(detail, 'partly')) return '';
  return isPartly(detail.partly) ? partlyText(detail.partly) : '';
}

/** A line for each failed branch that the commit names: which, and why. */
export function failedLines(commit: CommitView): string[] {
  const { detail } = commit;
  if (partlyOfCommit(commit) === '' || !hasMember(detail, 'failed') || !Array.isArray(detail.failed))
    return [];
  return detail.failed.map(branch => {
    const { item, branch: index, message, reason, code } = branch as Record<string, never>;
    const which = item === undefined ? `branch ${plain(String(index))}` : valueText(item, 60);
    return `${which}: ${plain(String(reason))} (${plain(String(code))}); coax log ${plain(String(message))}`;
  });
}

/** The groups of a message that were done although branches failed. */
export function partlyDone(message: MessageView): string[] {
  return message.steps.flatMap(({ step, partly }) =>
    partly ? [`${plain(step)}: ${partlyText(partly)}`] : [],
  );
}

function hasMember<Name extends string>(value: unknown, name: Name): value is Record<Name, unknown> {
  return typeof value === 'object' && value !== null && name in value;
}
