import type { FoundGuest, Repair } from '../compute/survey.ts';

/** A VM as it is on record at the host. */
export interface RecordedVm {
  readonly name: string;
  readonly uuid: string;
  readonly state: 'running' | 'stopped';
  readonly cpu: number;
  readonly mem: number;
  readonly ip: string;
  readonly mac: string;
  readonly network: string;
  readonly msgid: number;
}

export interface CompareInput {
  readonly guests: readonly FoundGuest[];
  /** VMs of this host that no message is making or removing. */
  readonly vms: readonly RecordedVm[];
  /** uuids of guests that must not be here any more. */
  readonly owed: ReadonlySet<string>;
  /** uuids of guests that a person wants deleted, whatever they are. */
  readonly unwanted: ReadonlySet<string>;
  /** Names of VMs that a message under way works on. */
  readonly busy: ReadonlySet<string>;
  /** What is known of a guest that no VM here stands for. */
  judge(guest: FoundGuest): Judgement;
}

/**
 * `under way`: its message is not there yet. `left`: its message was rolled back, so nobody needs it. `unknown`: never
 * touched, only named.
 */
export type Judgement = { readonly kind: 'under way' | 'left' | 'unknown'; readonly why: string };

/** One place where a host and the record differ. A type, not an interface, so that it counts as JSON. */
export type Difference = {
  uuid: string;
  /** Of the VM, or as the guest calls itself. */
  name: string;
  recorded: 'running' | 'stopped' | 'none';
  found: 'running' | 'stopped' | 'paused' | 'none';
  /** `none`: nothing is done by itself. */
  action: Repair['action'] | 'none';
  /** One sentence. */
  why: string;
};

/** Where a host's guests are not what the record says, and what mends each. Pure; in the order of names. */
export function compareGuests(input: CompareInput): Difference[] {
  const found = new Map(input.guests.map(guest => [guest.uuid, guest]));
  const recorded = new Set(input.vms.map(({ uuid }) => uuid));
  const differences: Difference[] = [];
  for (const vm of input.vms) {
    const difference = ofVm(vm, found.get(vm.uuid), input);
    if (difference) differences.push(difference);
  }
  for (const guest of input.guests) {
    if (recorded.has(guest.uuid)) continue;
    const difference = ofGuest(guest, input);
    if (difference) differences.push(difference);
  }
  for (const uuid of input.owed) {
    if (found.has(uuid) || recorded.has(uuid)) continue;
    // Deleting what is not there settles the debt.
    const why = 'it was owed to delete it; it is gone';
    differences.push({ uuid, name: '', recorded: 'none', found: 'none', action: 'delete', why });
  }
  return differences.sort((a, b) => compareText(`${a.name} ${a.uuid}`, `${b.name} ${b.uuid}`));
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function ofVm(vm: RecordedVm, guest: FoundGuest | undefined, { busy }: CompareInput): Difference | null {
  if (busy.has(vm.name) || guest?.state === vm.state) return null;
  const { uuid, name } = vm;
  const difference = (action: Difference['action'], why: string): Difference => ({
    uuid,
    name,
    recorded: vm.state,
    found: guest?.state ?? 'none',
    action,
    why,
  });
  if (!guest) return difference('restore', `the record says ${vm.state}, and the host has no such guest`);
  if (guest.state === 'paused') return difference('none', 'somebody paused it; nobody but a person goes on');
  return guest.state === 'running'
    ? difference('adopt', 'it runs, and the record says stopped: the record is mended')
    : difference('start', 'it is stopped, and the record says running');
}

function ofGuest(guest: FoundGuest, { owed, unwanted, judge }: CompareInput): Difference | null {
  const { uuid, name, state } = guest;
  const difference = (action: Difference['action'], why: string): Difference => ({
    uuid,
    name,
    recorded: 'none',
    found: state,
    action,
    why,
  });
  if (owed.has(uuid)) return difference('delete', 'it was owed to delete it, since its host was lost');
  if (unwanted.has(uuid)) return difference('delete', 'a person said that it is to be deleted');
  const { kind, why } = judge(guest);
  if (kind === 'under way') return null;
  return difference(kind === 'left' ? 'delete' : 'none', why);
}
