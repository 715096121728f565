import type { MessageView } from '../../../../src/api/message.ts';
import type { VmView } from '../../../../src/api/vm.ts';
import { post } from '../../api/request.ts';
import { shellWord } from '../../parts/command/shell-word.ts';
import type { Deed } from '../../parts/deed-dialog.tsx';
import type { word as Word } from '../../words/words.ts';

export type VmDeedName = 'start' | 'stop' | 'reboot' | 'move' | 'remove';
export const VM_DEEDS: readonly VmDeedName[] = ['start', 'stop', 'reboot', 'move', 'remove'];

/** What a person may do with a VM, and what that will do. */
export function vmDeed(name: VmDeedName, vm: VmView, word: typeof Word): Deed {
  const label = word(`vm.do.${name}`);
  const about = <p>{word(`vm.do.${name}.about`, { vm: vm.name, host: vm.host, msgid: vm.msgid })}</p>;
  if (name === 'remove') {
    return {
      label,
      about,
      takesReason: true,
      danger: true,
      command: reason => `coax vm rm ${vm.name}${reason && ` --reason ${shellWord(reason)}`}`,
      act: reason => post<MessageView>(`/v1/vms/${encodeURIComponent(vm.name)}/remove`, { reason }),
    };
  }
  return {
    label,
    about,
    takesReason: false,
    command: () => `coax vm ${name} ${vm.name}`,
    act: () => submit(`${name}_vm`, { name: vm.name }, vm.project),
  };
}

/** Why a deed makes no sense now; null when it may be done. */
export function vmBlocked(name: VmDeedName, { state }: VmView, word: typeof Word): string | null {
  if (state === 'building' || state === 'removing') return word('vm.blocked.underWay');
  if (name === 'start' && state === 'running') return word('vm.blocked.running');
  if ((name === 'stop' || name === 'reboot') && state === 'stopped') return word('vm.blocked.stopped');
  return null;
}

/** Submits a message; the key makes it safe that an answer is lost. */
export function submit(
  flow: string,
  parameters: Record<string, unknown>,
  project?: string,
): Promise<MessageView> {
  const body = { flow, parameters, ...(project !== undefined && { project }) };
  return post<MessageView>('/v1/messages', body, crypto.randomUUID?.() ?? String(Math.random()));
}
