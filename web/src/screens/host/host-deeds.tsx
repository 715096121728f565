import type { HostShow } from '../../../../src/api/host.ts';
import { shellWord } from '../../parts/command/shell-word.ts';
import type { Deed } from '../../parts/deed-dialog.tsx';
import type { word as Word } from '../../words/words.ts';
import { submit } from '../vm/vm-deeds.tsx';

export type HostDeedName = 'drain' | 'undrain' | 'lost';
export const HOST_DEEDS: readonly HostDeedName[] = ['drain', 'undrain', 'lost'];

/** What a look ahead says: how many VMs would have to find another host, and how many hosts there are for them. */
export interface Ahead {
  readonly vms: number;
  readonly others: number;
}

/** What a person may do with a host, and what that will do. */
export function hostDeed(name: HostDeedName, host: HostShow, ahead: Ahead, word: typeof Word): Deed {
  const holes = { host: host.name, vms: ahead.vms, others: ahead.others };
  const label = word(`host.do.${name}`);
  const about = (
    <>
      <p>{word(`host.do.${name}.about`, holes)}</p>
      {name === 'drain' && (
        <p className={ahead.vms > 0 && ahead.others === 0 ? 'font-medium text-bad' : 'text-soft'}>
          {word(ahead.vms > 0 && ahead.others === 0 ? 'host.ahead.nowhere' : 'host.ahead.moves', holes)}
        </p>
      )}
      {name === 'lost' && <p className="font-medium text-bad">{word('host.ahead.fenced', holes)}</p>}
    </>
  );
  const reasonOption = (reason: string): string => reason && ` --reason ${shellWord(reason)}`;
  switch (name) {
    case 'drain':
      return {
        label,
        about,
        takesReason: true,
        command: reason => `coax host drain ${host.name}${reasonOption(reason)}`,
        act: reason => submit('drain_host', { host: host.name, reason, partial: false }),
      };
    case 'undrain':
      return {
        label,
        about,
        takesReason: false,
        command: () => `coax host undrain ${host.name}`,
        act: () => submit('undrain_host', { host: host.name, back: false }),
      };
    default:
      return {
        label,
        about,
        takesReason: true,
        danger: true,
        confirm: word('host.fenced', holes),
        command: reason => `coax host lost ${host.name} --fenced${reasonOption(reason)}`,
        act: reason => submit('lose_host', { host: host.name, reason, fenced: true }),
      };
  }
}

/** Why a deed makes no sense now; null when it may be done. */
export function hostBlocked(name: HostDeedName, { state }: HostShow, word: typeof Word): string | null {
  if (name === 'drain' && state === 'draining') return word('host.blocked.drains');
  if (name === 'undrain' && state !== 'draining') return word('host.blocked.drainsNot');
  if (name === 'lost' && state === 'lost') return word('host.blocked.lost');
  return null;
}
