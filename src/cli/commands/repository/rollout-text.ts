import type { RolloutView } from '../../../api/package/rollout.ts';
import { cell, type Output } from '../../output/output.ts';
import { plural } from '../../output/text.ts';

/** One line on how far it is. */
export function rolloutLine({ waves, wave, hosts, allowed, paused, msgid, state }: RolloutView): string {
  const total = Object.values(hosts).reduce((sum, count) => sum + count, 0);
  const now = waves[wave];
  const at = now === undefined ? 'planned' : waveText(now.name, waves.length, wave);
  const undone = hosts.undone > 0 ? `, ${hosts.undone} switched back` : '';
  const failed = `${hosts.failed} failed of ${allowed} allowed`;
  const waits = paused ? `; paused: \`coax approve ${msgid}\`` : '';
  const where = state === 'under_way' ? at : state === 'done' ? 'done' : 'turned back';
  return `${where}: ${hosts.done} of ${plural(total, 'host')} switched, ${failed}${undone}${waits}`;
}

const waveText = (name: string, waves: number, index: number): string =>
  `${name === 'canary' ? 'canary' : `wave ${name}`} (${index + 1} of ${waves})`;

/** All of it, for people. */
export function printRollout(out: Output, view: RolloutView): void {
  out.fields([
    ['rollout', view.msgid],
    ['package', `${view.package}@${view.version}`],
    ['state', rolloutLine(view)],
    ['not up', cell(view.skipped.join(', '))],
  ]);
  const columns = [
    { head: 'WAVE', cell: (wave: RolloutView['waves'][number]) => wave.name },
    { head: 'HOSTS', cell: (wave: RolloutView['waves'][number]) => String(wave.hosts) },
    { head: 'SWITCHED', cell: ({ counts }: RolloutView['waves'][number]) => String(counts.done) },
    { head: 'FAILED', cell: ({ counts }: RolloutView['waves'][number]) => String(counts.failed) },
    { head: 'BACK', cell: ({ counts }: RolloutView['waves'][number]) => String(counts.undone) },
    { head: 'THEN', cell: ({ pause }: RolloutView['waves'][number]) => (pause ? 'a person approves' : '') },
  ];
  for (const line of out.table(view.waves, columns)) out.line(line);
  for (const { host, reason } of view.failed) out.line(`${cell(host)}: ${cell(reason)}`);
}
