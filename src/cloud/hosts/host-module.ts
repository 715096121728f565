import { z } from 'zod';
import { defineModule, type ModuleDefinition } from '../../step/define-module.ts';
import { Terminal } from '../../step/step-errors.ts';
import type { Tx } from '../../store/tx.ts';
import { owedAt } from '../owed/owed.ts';
import type { HostState } from '../schema.ts';
import { drains, hostNamed, setState } from './host-state.ts';
import { isHeardOf } from './watched-hosts.ts';

const host = z.string().min(1);
const Named = z.object({ host });
const Why = z.object({ host, reason: z.string().default('') });
/** What the state and its reason were before, for the undo. */
const Was = z.object({ was: z.enum(['up', 'draining', 'down', 'lost']), was_reason: z.string() });

/**
 * Module `host`: what state a host is in. Every change is a step of a message, so that who and why stand in the ledger,
 * and in the step's transaction, so that no claim falls between.
 */
export function hostModule(): ModuleDefinition {
  return defineModule({
    name: 'host',
    about: 'The state of hosts.',
    actions: {
      mark_down: {
        about: 'Marks a host as down: nothing is heard of it. Steps there wait. Undoing does nothing.',
        transactional: true,
        input: Why,
        output: Was,
        async do({ host: name, reason }, { tx }) {
          const was = await stateOf(tx, name);
          const serves = was.was === 'up' || was.was === 'draining';
          if (serves && !(await isHeardOf(tx, name)))
            await setState(tx, name, { state: 'down', reason, away: true });
          return was;
        },
        undo() {},
      },
      lose: {
        about: 'Declares a host lost: it is fenced and nothing waits for it any more.',
        transactional: true,
        input: Why.extend({ fenced: z.boolean().default(false) }),
        output: Was,
        async do({ host: name, reason, fenced }, { tx }) {
          const was = await stateOf(tx, name);
          if (!fenced) throw notFenced(name);
          if (was.was !== 'lost') await setState(tx, name, { state: 'lost', reason, away: true });
          return was;
        },
        async undo({ host: name }, _output, { tx }) {
          if ((await hostNamed(tx, name)).state !== 'lost') return;
          const reason =
            'it was declared lost, and that was taken back; `coax host reconcile --apply` lets it return';
          await setState(tx, name, { state: 'down', reason });
        },
      },
      begin_return: {
        about:
          'Lets a host come back that was lost or down: its steps are its own again, and it takes no VM yet.',
        transactional: true,
        input: Named,
        output: Was,
        async do({ host: name }, { tx }) {
          return await beginReturn(tx, name);
        },
        async undo({ host: name }, { was, was_reason }, { tx }) {
          if (was === undefined || (await hostNamed(tx, name)).state !== 'down') return;
          await setState(tx, name, { state: was, reason: was_reason ?? '' });
        },
      },
      admit: {
        about:
          'Lets a host take VMs again; or leaves it draining, if a person had it drained. Undoing does nothing.',
        transactional: true,
        input: Named,
        output: z.object({ state: z.string() }),
        async do({ host: name }, { tx }) {
          return { state: await admit(tx, name) };
        },
        undo() {},
      },
    },
  });
}

async function beginReturn(tx: Tx, name: string): Promise<z.output<typeof Was>> {
  const was = await stateOf(tx, name);
  if (was.was !== 'lost' && was.was !== 'down') throw notAway(name, was.was);
  await setState(tx, name, {
    state: 'down',
    reason: 'it is back; its guests are compared with the record',
  });
  return was;
}

async function admit(tx: Tx, name: string): Promise<HostState> {
  const { was } = await stateOf(tx, name);
  if (was !== 'down') return was;
  const owed = await owedAt(tx, name);
  if (owed.length > 0) throw stillOwes(name, owed.length);
  const state = (await drains(tx, name)) ? 'draining' : 'up';
  await setState(tx, name, { state, reason: '', away: false });
  return state;
}

async function stateOf(tx: Tx, name: string): Promise<z.output<typeof Was>> {
  const { state, reason } = await hostNamed(tx, name);
  return { was: state, was_reason: reason };
}

const notFenced = (name: string): Terminal =>
  new Terminal(
    `host ${name} is not said to be fenced: what runs there could go on beside what takes its place; cut its power or its network, then say --fenced`,
    { code: 'COAX_HOST_STATE' },
  );

const notAway = (name: string, state: string): Terminal =>
  new Terminal(`host ${name} is ${state}: only one that is lost or down can return`, {
    code: 'COAX_HOST_STATE',
  });

const stillOwes = (name: string, count: number): Terminal =>
  new Terminal(
    `host ${name} still has ${count} guest${count === 1 ? '' : 's'} that must be deleted: \`coax host reconcile ${name}\` shows them`,
    { code: 'COAX_HOST_STATE' },
  );
