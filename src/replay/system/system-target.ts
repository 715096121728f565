import type { Decisions } from '../../channel/decisions.ts';
import type { Cloud } from '../../cloud/cloud.ts';
import { CoaxError, invariant } from '../../errors/coax-error.ts';
import type { Message, Plan } from '../../message/message.ts';
import { parametersOf } from '../../message/parameters.ts';
import { isResting } from '../../message/status.ts';
import type { FsckReport } from '../../store/fsck.ts';
import type { Store } from '../../store/store.ts';
import type { Target } from '../replay.ts';
import type { TraceVm } from '../trace/read-events.ts';
import type { Placed, UseOfFleet } from '../use-of-fleet.ts';
import { Rests } from './rests.ts';
import type { VirtualTimers } from './virtual-timers.ts';

/** The parts of a Coax of its own, put together by the command line. */
export interface SystemParts {
  readonly store: Store;
  readonly cloud: Pick<Cloud, 'fsck' | 'vms'>;
  readonly decisions: Decisions;
  readonly timers: VirtualTimers;
  /** The plan of the flow that creates a VM. */
  readonly plan: Plan;
  /** Of placement; empty for the usual one. */
  readonly policy: string;
  fsck(): Promise<FsckReport>;
}

const ACTOR = 'replay';
const FLOW = 'create_vm';

const rests = ({ phase }: Message): boolean => isResting(phase);
/** Its first step has chosen a host, or it will never have one: from here on it changes nothing for others. */
const isDecided = (message: Message): boolean =>
  rests(message) || (message.mode === 'normal' && message.cursor > 0);

/**
 * A whole Coax in virtual time: each create is a message through channel, worker and ledger, each delete is the revert of that
 * message. What is asked for at one instant is under way together. A message that fails for another reason than a full fleet
 * ends the replay: that is a fault, not a rejection.
 */
export function systemTarget(parts: SystemParts): Target & { close(): void } {
  const { store, decisions, timers, plan, policy } = parts;
  const waits = new Rests(store, timers);
  const msgids = new Map<string, number>();

  const placed = async (vm: TraceVm, msgid: number): Promise<Placed | null> => {
    let message = await waits.until(msgid, isDecided);
    if (message.mode === 'rollback' && !rests(message)) message = await waits.until(msgid, rests);
    const parameters = parametersOf(message);
    if (message.mode === 'normal' && message.phase !== 'parked') {
      msgids.set(vm.vm, msgid);
      const devices = Array.isArray(parameters.gpus) ? parameters.gpus.map(Number) : [];
      return {
        host: String(parameters.host),
        gpus: devices.map(device => ({ device, milli: vm.gpuMilli })),
      };
    }
    waits.forget(msgid);
    if (message.phase === 'rolled_back' && message.error?.code === 'COAX_NO_VALID_HOST') return null;
    throw failed(vm.vm, message);
  };

  const remove = async (vm: string): Promise<void> => {
    const msgid = msgids.get(vm);
    invariant(msgid !== undefined, `replay: ${vm} has no message`);
    msgids.delete(vm);
    const made = await waits.until(msgid, rests);
    if (made.phase !== 'done') throw failed(vm, made);
    await decisions.revert(msgid, { actor: ACTOR, reason: 'deleted in the trace' });
    const gone = await waits.until(msgid, message => rests(message) && message.phase !== 'done');
    if (gone.phase !== 'rolled_back') throw failed(vm, gone);
    waits.forget(msgid);
  };

  return {
    atTime: atS => timers.moveTo(atS * 1000),
    async create(vms) {
      const submissions = vms.map(vm => ({
        flow: FLOW,
        plan,
        parameters: parametersFor(vm, policy),
        actor: ACTOR,
      }));
      const accepted = await store.submit(submissions);
      return Promise.all(vms.map((vm, index) => placed(vm, accepted[index]!.msgid)));
    },
    async remove(names) {
      await Promise.all(names.map(remove));
    },
    async check(use: UseOfFleet) {
      for (const msgid of msgids.values()) await waits.until(msgid, rests);
      const faults = [...(await parts.cloud.fsck()), ...(await parts.fsck()).faults];
      invariant(faults.length === 0, `replay: fsck says ${JSON.stringify(faults[0])}`);
      const vms = (await parts.cloud.vms()).length;
      invariant(vms === use.vms, `replay: Coax has ${vms} vms, the trace ${use.vms}`);
    },
    close: () => waits.close(),
  };
}

function parametersFor(vm: TraceVm, policy: string) {
  const gpus = {
    gpu: vm.gpu,
    gpu_milli: vm.gpuMilli,
    ...(vm.gpuModels.length > 0 && { gpu_models: [...vm.gpuModels] }),
  };
  const placement = { ...(policy && { policy }), ...(vm.gpu > 0 && gpus) };
  return { cpu: vm.cpuMilli / 1000, mem: vm.memMib, placement };
}

function failed(vm: string, { msgid, phase, error, undoError }: Message): CoaxError {
  const fault = undoError ?? error;
  return new CoaxError(
    'COAX_STEP_FAILED',
    `the message of ${vm} came to rest as ${phase}: ${fault?.reason ?? 'no error'}`,
    { where: `message ${msgid}`, hint: 'This is a fault of the system that is replayed, not of the trace.' },
  );
}
