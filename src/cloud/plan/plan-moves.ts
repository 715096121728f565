import { isCoaxError } from '../../errors/coax-error.ts';
import type { Fleet } from '../../placement/fleet.ts';
import type { Rebalancing } from '../../placement/plan/rebalance.ts';
import type { PlacementRequest } from '../../placement/request.ts';
import { Terminal } from '../../step/step-errors.ts';
import type { StoreTx } from '../../store/store.ts';
import { movableVm, requestElsewhere } from '../move/movable.ts';

/**
 * Which moves would free how many hosts, each VM going only where it asked to be. What a VM asked is read when a plan would move
 * it: the plan is made anew until nothing in it is a guess.
 */
export async function planMoves(tx: StoreTx, fleet: Fleet, maxMoves: number): Promise<Rebalancing> {
  const asked = new Map<string, PlacementRequest | null>();
  for (;;) {
    const planned = fleet.rebalance({
      maxMoves,
      stays: ({ vm }) => vm === '' || asked.get(vm) === null,
      requestOf: ({ vm }) => asked.get(vm),
    });
    const unknown = planned.moves.map(({ claim }) => claim.vm).filter(vm => !asked.has(vm));
    if (unknown.length === 0) return planned;
    for (const vm of unknown) asked.set(vm, await requestOf(tx, vm));
  }
}

/** Null for a VM that cannot move now. */
async function requestOf(tx: StoreTx, vm: string): Promise<PlacementRequest | null> {
  try {
    return await requestElsewhere(tx, await movableVm(tx, vm), null);
  } catch (error) {
    if (error instanceof Terminal || isCoaxError(error)) return null;
    throw error;
  }
}
