import { z } from 'zod';
import type { Parameters } from '../../message/message.ts';
import { recordWinner } from '../../placement/explain.ts';
import { defineModule, type ModuleDefinition, type TransactionalCall } from '../../step/define-module.ts';
import { Terminal } from '../../step/step-errors.ts';
import type { StoreTx } from '../../store/store.ts';
import { ofMessage } from '../allocations.ts';
import { claimDetail, claimOf } from '../resource/claim-detail.ts';
import { recordOf, type Scheduler } from '../resource/scheduler.ts';
import { handBack, handOver, type Move } from './hand-over.ts';
import { movableVm, requestElsewhere } from './movable.ts';

const text = z.string().nullish();
const TargetInput = z.object({ name: z.string(), to: text });
const Target = z.object({
  target: z.string(),
  cpu: z.number(),
  mem: z.int(),
  mac: z.string(),
  network: z.string(),
  maker: z.int(),
});
const HandOver = z.object({
  name: z.string(),
  uuid: z.string(),
  host: z.string(),
  target: z.string(),
  url: text,
  drained: text,
  gone: z.boolean().nullish(),
});

/** Module `move`: the records of a VM's move to another host. Transactional; the guests are `compute`'s. */
export function moveModule(scheduler: Scheduler): ModuleDefinition {
  return defineModule({
    name: 'move',
    about: 'VMs that move to another host.',
    actions: {
      claim_target: {
        about: 'Chooses another host for a VM, or takes the one in `to`, and claims its room there.',
        transactional: true,
        input: TargetInput,
        output: Target,
        async do(input, call) {
          return await claimTarget(input, call, scheduler);
        },
        async undo(_input, _output, call) {
          await scheduler.release(call.tx, call);
        },
      },
      hand_over: {
        about: 'Records a VM on its new host: its claim, its place, and where its maker would undo it.',
        transactional: true,
        input: HandOver,
        output: z.object({ had: z.record(z.string(), z.unknown()) }),
        async do(input, call) {
          const tx = storeTx(call);
          // The room that was held for it becomes its own.
          const holder = { msgid: call.msgid, step: await claimStep(call) };
          const [held] = (await ofMessage(tx, 'claim', call.msgid)).filter(
            ({ detail }) => detail.step === holder.step,
          );
          if (!held) throw new Terminal('no room is claimed for it', { code: 'COAX_MESSAGE_STATE' });
          await scheduler.release(tx, holder);
          const had = await handOver(tx, scheduler, moveOf(input, call), claimOf(held.key, held.detail));
          return { had: { ...claimDetail(had) } };
        },
        async undo(input, { had }, call) {
          const room = had === undefined ? null : claimOf('', had as Parameters);
          const gone = input.gone === true;
          await handBack(storeTx(call), scheduler, moveOf(input, call), { had: room, gone });
        },
      },
    },
  });
}

/** A transactional step runs where the store is, in its own transaction. */
export const storeTx = (call: TransactionalCall): StoreTx => call.tx as StoreTx;

const moveOf = (input: z.output<typeof HandOver>, { msgid }: TransactionalCall): Move => ({
  name: input.name,
  uuid: input.uuid,
  from: input.host,
  to: input.target,
  url: input.url ?? null,
  drained: input.drained ?? null,
  msgid,
});

async function claimStep(call: TransactionalCall): Promise<number> {
  const message = await storeTx(call).message(call.msgid);
  return message!.plan.steps.findIndex(
    step => 'module' in step && step.module === 'move' && step.action === 'claim_target',
  );
}

async function claimTarget(
  { name, to }: z.output<typeof TargetInput>,
  call: TransactionalCall,
  scheduler: Scheduler,
): Promise<z.output<typeof Target>> {
  const tx = storeTx(call);
  const movable = await movableVm(tx, name);
  const { vm, room } = movable;
  if (to === room.host)
    throw new Terminal(`vm ${name} is on host ${to} already`, { code: 'COAX_HOST_STATE' });
  const request = await requestElsewhere(tx, movable, to || null);
  const record = recordOf(await scheduler.feed.exactly(tx), request);
  const [placement] = await scheduler.place(tx, [{ holder: call, request, vm: '', moving: true }]);
  if (placement?.kind !== 'placed')
    throw new Terminal(record.reason, { code: 'COAX_NO_VALID_HOST', detail: record });
  const { choice, lost } = placement;
  call.detail(record.host === choice.host && lost === 0 ? record : recordWinner(record, choice.host, lost));
  return {
    target: choice.host,
    cpu: Number(vm.detail.cpu),
    mem: Number(vm.detail.mem),
    mac: String(vm.detail.mac),
    network: String(vm.detail.network),
    maker: vm.msgid,
  };
}
