import { isCoaxError } from '../../src/errors/coax-error.ts';
import type { Message } from '../../src/message/message.ts';
import { isGroup } from '../../src/message/message.ts';
import type { Resolution } from '../../src/message/outcome.ts';
import { HOSTS } from './actions.ts';
import { randomParameters, randomPlan } from './plans.ts';
import type { World } from './world.ts';

const BY = { actor: 'ann', reason: 'she thought so' };

/** Somebody sends one to three messages, some of them twice under one key. */
export async function submitSome(world: World): Promise<void> {
  const { random, server } = world;
  if (server === null) return;
  const key = random.chance(0.5) ? `key-${random.int(0, 1e9)}` : undefined;
  const submission = {
    flow: 'sim',
    plan: randomPlan(random),
    parameters: randomParameters(random),
    actor: 'ann',
    ...(key !== undefined && { idempotencyKey: key }),
  };
  const batches = Array.from({ length: key === undefined ? random.int(1, 3) : 2 }, () =>
    server.store.submit([submission]),
  );
  const answers = (await Promise.all(batches)).flat();
  for (const { msgid, head } of answers) world.saw({ msgid, seq: 0, head });
  if (key !== undefined && answers[0]?.msgid !== answers[1]?.msgid)
    world.model.violation(`one key gave the messages ${answers.map(answer => answer.msgid)}`);
}

/** Somebody decides something about a message, at a moment that suits nobody. */
export async function decideSomething(world: World): Promise<void> {
  const { random, server } = world;
  if (server === null) return;
  const messages = await server.store.messages({ withChildren: random.chance(0.3), limit: 50 });
  if (messages.length === 0) return;
  const message = random.pick(messages);
  const verb =
    message.phase === 'parked' ? 'resolve' : random.pick(['cancel', 'revert', 'rewind', 'fork'] as const);
  try {
    const moved = await decide(world, verb, message);
    if (moved !== undefined) world.saw(moved);
    world.model.note(`${world.time.now} ${verb} ${message.msgid}`);
  } catch (error) {
    if (!isCoaxError(error) || !['conflict', 'input', 'not_found'].includes(error.kind)) throw error;
  }
}

async function decide(world: World, verb: string, message: Message): Promise<Message | undefined> {
  const { random } = world;
  const { decisions, store } = world.server!;
  switch (verb) {
    case 'cancel':
      return decisions.cancel(message.msgid, BY);
    case 'revert':
      return decisions.revert(message.msgid, BY);
    case 'rewind': {
      const to = random.int(message.floor, Math.max(0, message.cursor));
      return decisions.rewind(
        message.msgid,
        to,
        random.chance(0.5) ? { cpu: random.int(10, 20), host: random.pick(HOSTS) } : {},
        BY,
      );
    }
    case 'fork': {
      const commits = await store.commits(message.msgid);
      return decisions.fork(random.pick(commits).id, { cpu: 33 }, BY);
    }
    default:
      return resolveParked(world, message, random.pick(['retry', 'skip', 'edit', 'undone'] as const));
  }
}

/** Decides for a parked message; what is undone by hand is undone in the world outside. */
export async function resolveParked(world: World, message: Message, how: Resolution): Promise<Message> {
  const key = `${message.msgid}.${message.cursor}`;
  const step = message.plan.steps[message.cursor];
  if (how === 'undone' || how === 'skip') {
    // Rows in the store's own tables cannot be left behind or undone by hand: such a step is tried again.
    if (step === undefined || isGroup(step) || step.action === 'book') how = 'retry';
  }
  if (how === 'undone') world.model.effects.delete(key);
  // What is skipped stays as it was made, also when the step is done again.
  if (how === 'edit' || how === 'skip') world.model.edited.add(message.msgid);
  if (how === 'skip') world.model.skipped.add(key);
  return world.server!.decisions.resolve(message.msgid, how, how === 'edit' ? { cpu: 44 } : {}, BY);
}
