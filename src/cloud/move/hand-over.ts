import { transition } from '../../channel/transition.ts';
import type { PlacementClaim } from '../../placement/claim.ts';
import { Retryable, Terminal } from '../../step/step-errors.ts';
import type { StoreTx } from '../../store/store.ts';
import { allocationAt, changeDetail } from '../allocations.ts';
import { claimHosts } from '../resource/claim-hosts.ts';
import type { Scheduler } from '../resource/scheduler.ts';
import { cloudTables } from '../schema.ts';
import { type Movable, movableVm, placeOf } from './movable.ts';

export interface Move {
  readonly name: string;
  readonly uuid: string;
  /** Where it was, and where it is to be on record. */
  readonly from: string;
  readonly to: string;
  readonly url: string | null;
  /** Set while the host it comes from is drained, so that it can be brought back. */
  readonly drained: string | null;
  /** The message that moves it. */
  readonly msgid: number;
}

/**
 * Makes the move true: record and claim are on the other host, and the message that made the VM is amended, so that
 * removing the VM removes it there. Gives the room that it had. Errors: Terminal COAX_MESSAGE_STATE when the VM is not where
 * it was; Retryable when the room was taken.
 */
export async function handOver(
  tx: StoreTx,
  scheduler: Scheduler,
  move: Move,
  target: PlacementClaim,
): Promise<PlacementClaim> {
  const movable = await movableVm(tx, move.name);
  const { vm, room } = movable;
  if (vm.detail.host !== move.from || vm.detail.uuid !== move.uuid) {
    throw new Terminal(
      `vm ${move.name} is not on ${move.from} any more: it was moved or made anew meanwhile`,
      {
        code: 'COAX_MESSAGE_STATE',
      },
    );
  }
  await moveClaim(tx, scheduler, movable, target);
  await record(tx, movable, move);
  return room;
}

/**
 * Takes it back to the room that it had. `gone` ends the walk for a VM that is not there any more. Errors: Terminal
 * COAX_MESSAGE_STATE when the VM was removed or moved on since, so that a person says so; Retryable when the room was taken.
 */
export async function handBack(
  tx: StoreTx,
  scheduler: Scheduler,
  move: Move,
  { had, gone }: { had: PlacementClaim | null; gone: boolean },
): Promise<void> {
  const vm = await allocationAt(tx, 'vm', move.name);
  if (vm?.detail.uuid === move.uuid && vm.detail.host === move.from) return;
  if (gone || had === null) return;
  if (vm?.detail.uuid !== move.uuid || vm.detail.host !== move.to) {
    throw new Terminal(
      `vm ${move.name} is not on ${move.to} any more, so it cannot be brought back to ${move.from}: \`coax resolve ${move.msgid} edit -p gone=true\` leaves it as it is`,
      { code: 'COAX_MESSAGE_STATE' },
    );
  }
  const movable = await movableVm(tx, move.name);
  // It had that room before, and a host that is drained must take its own VM back.
  await asIfUp(tx, move.from, () => moveClaim(tx, scheduler, movable, had));
  await record(tx, movable, { ...move, from: move.to, to: move.from, drained: null });
}

/** The VM's claim is of that room from now on. */
async function moveClaim(
  tx: StoreTx,
  scheduler: Scheduler,
  { vm, room, step }: Movable,
  { host, devices, cell }: PlacementClaim,
): Promise<void> {
  const holder = { msgid: vm.msgid, step };
  const claim = { ...room, host, devices, cell };
  await scheduler.release(tx, holder);
  const { lost } = await claimHosts(tx, [{ ...claim, holder }]);
  if (lost.size > 0)
    throw new Retryable(`host ${host} has no room for vm ${vm.key} now`, { code: 'COAX_NO_VALID_HOST' });
  scheduler.feed.hold(tx, [claim]);
}

async function record(tx: StoreTx, { vm, maker }: Movable, move: Move): Promise<void> {
  const { name, from, to, url, drained } = move;
  const facts = { host: to, url: url ?? vm.detail.url ?? null, drained_from: drained };
  await changeDetail(tx, 'vm', name, { ...vm.detail, ...facts });
  const edit = placeOf(maker, from, to);
  const reason = `message ${move.msgid} moved vm ${name} from ${from} to ${to}`;
  const by = { worker: null, code: null, actor: 'coax', started: tx.now, finished: tx.now };
  await tx.move(maker, transition(maker, { kind: 'amend', edit, reason }, by, 0));
}

/** A claim asks for a host that is up; within this transaction it is. */
async function asIfUp(tx: StoreTx, host: string, work: () => Promise<void>): Promise<void> {
  const hosts = cloudTables(tx.db);
  const row = await hosts.selectFrom('hosts').select('state').where('name', '=', host).executeTakeFirst();
  const setState = (state: 'up' | NonNullable<typeof row>['state']) =>
    hosts.updateTable('hosts').set({ state }).where('name', '=', host).execute();
  await setState('up');
  await work();
  if (row) await setState(row.state);
}
