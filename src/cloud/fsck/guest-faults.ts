import type { FoundGuest } from '../compute/survey.ts';
import type { Judgement } from '../hosts/compare.ts';
import type { FsckFault } from './fsck-fault.ts';

/** A VM that is on record at that host, whose guest is not there. */
export const guestMissing = (host: string, vm: string, uuid: string): FsckFault => ({
  kind: 'guest-missing',
  where: `vm ${vm}`,
  reason: `host ${host} has no guest ${uuid}`,
  hint: `\`coax host reconcile ${host} --apply\` makes it anew; \`coax vm rm ${vm} --reason …\` gives its claim, address and name back.`,
});

/** A guest that no VM stands for; `host`: where it is. */
export const guestLeft = (
  host: string,
  guest: Pick<FoundGuest, 'uuid' | 'name' | 'state'>,
  { kind, why }: Judgement,
): FsckFault => ({
  kind: 'guest-left',
  where: `guest ${guest.uuid}`,
  reason: `guest ${guest.name} on host ${host} is ${guest.state}, and no vm stands for it: ${why}`,
  hint:
    kind === 'left'
      ? `\`coax gc\`, or \`coax host reconcile ${host} --apply\`, deletes it.`
      : `\`coax host reconcile ${host} --apply --delete-unknown ${guest.uuid}\` deletes it, once nobody needs it.`,
});
