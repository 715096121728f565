import { CoaxError } from '../../errors/coax-error.ts';
import type { Random } from '../../placement/fleet.ts';
import { gpuMilliOf, type TraceEvent } from './read-events.ts';

/**
 * Asks for `share` of the fleet's GPUs: the trace's requests in their order, then requests chosen among them by chance, with
 * replacement; nothing is ever deleted. One comes each second, for with no deletes the trace's own times mean nothing. The last
 * request is the one that reaches the share. After the Monte Carlo inflation of workloads in Weng et al., "Beware of
 * Fragmentation", USENIX ATC 2023, section 6.
 *
 * Errors: COAX_USAGE when the fleet or the trace has no GPU to count by.
 */
export async function* inflate(
  events: AsyncIterable<TraceEvent>,
  share: number,
  fleetGpuMilli: number,
  random: Random,
): AsyncGenerator<TraceEvent> {
  if (fleetGpuMilli === 0) throw noGpu('the hosts have no GPU');
  const wanted = share * fleetGpuMilli;
  const pool: TraceEvent[] = [];
  let asked = 0;
  for await (const event of events) {
    if (event.op === 'D') continue;
    if (asked >= wanted) return;
    asked += gpuMilliOf(event);
    yield { ...event, atS: pool.length };
    pool.push(event);
  }
  if (asked === 0) throw noGpu('the trace asks for no GPU');
  for (let copy = 1; asked < wanted; copy += 1) {
    const model = pool[random(pool.length)]!;
    asked += gpuMilliOf(model);
    yield { ...model, atS: pool.length + copy - 1, vm: `${model.vm}+${copy}` };
  }
}

function noGpu(reason: string): CoaxError {
  return new CoaxError('COAX_USAGE', `nothing to inflate by: ${reason}`, {
    where: '--inflate',
    hint: 'Leave --inflate out, or give events and --hosts with GPUs.',
  });
}
