import { toleratedOf } from '../../src/message/group/tolerance.ts';
import type { GroupStep, Json, Message } from '../../src/message/message.ts';
import { isGroup } from '../../src/message/message.ts';
import { parametersOf } from '../../src/message/parameters.ts';
import { isResting } from '../../src/message/status.ts';
import { fsckStore } from '../../src/store/fsck.ts';
import type { Store } from '../../src/store/store.ts';
import type { World } from './world.ts';

/** What somebody was told of as durable is there after a crash. */
export function checkDurable(world: World): void {
  for (const [msgid, { seq, head }] of world.told) {
    if (world.commitId(msgid, seq) !== head)
      world.model.violation(`commit ${seq} of message ${msgid} was durable and is gone`);
  }
}

/** Everything came to rest as promised, and nothing is left lying about. */
export async function checkAtRest(world: World): Promise<void> {
  const { model } = world;
  const { store } = world.server!;
  checkDurable(world);
  const messages = await store.messages({ withChildren: true, limit: 10_000 });
  await checkGroups(world, messages);
  const booked = new Set((await store.allocations({ kind: 'sim' })).map(({ key }) => key));
  for (const message of messages) {
    if (!isResting(message.phase) || message.phase === 'parked') {
      model.violation(
        `message ${message.msgid} is stuck: ${message.mode} ${message.phase} at ${message.cursor}, ready ${message.readyAt - store.now()} ms from now, lease of ${message.leaseUntil === null ? 'nobody' : message.worker}`,
      );
      continue;
    }
    if (message.leaseUntil !== null) model.violation(`message ${message.msgid} rests and is leased`);
    checkEffects(world, message, booked);
    if (message.phase === 'rolled_back') await checkParameters(world, message);
  }
  const report = await fsckStore(store.scan());
  for (const fault of report.faults) model.violation(`fsck: ${JSON.stringify(fault)}`);
}

/** A group that is done tells truly how many of its branches failed, and no more did than it tolerates. */
async function checkGroups(world: World, messages: readonly Message[]): Promise<void> {
  const { store } = world.server!;
  for (const message of messages.filter(({ phase }) => phase === 'done')) {
    for (const entry of message.trail) {
      if (!('step' in entry) || entry.generation === undefined) continue;
      const { step, generation, partly, set } = entry;
      const of = messages.filter(
        ({ parent }) => parent?.msgid === message.msgid && parent.generation === generation,
      );
      const failed = of.filter(({ phase }) => phase === 'rolled_back').map(({ parent }) => parent!.branch);
      const plan = message.plan.steps[step] as GroupStep;
      const told = `message ${message.msgid} tells of group ${step} ${JSON.stringify({ partly, set })}`;
      // Branches that a person sent back since tell of another time.
      if (await anyRewound(store, of)) continue;
      if ((partly?.failed ?? 0) !== failed.length || (partly && partly.of !== of.length))
        world.model.violation(`${told}, but ${failed.length} of ${of.length} failed`);
      if (failed.length > Number(toleratedOf(plan, message.base, of.length)))
        world.model.violation(`${told}, and tolerated ${failed.length} of ${of.length} though it may not`);
      const lost = plan.failed === undefined ? null : (set[plan.failed] as readonly { branch: string }[]);
      if (lost !== null && lost.length !== failed.length) world.model.violation(`${told}, its list is wrong`);
      const got = 'each' in plan && plan.collect !== undefined ? (set[plan.collect] as readonly Json[]) : [];
      const empty = got.flatMap((value, index) => (value === null ? [index] : []));
      if (
        'each' in plan &&
        plan.collect !== undefined &&
        String(empty) !== String(failed.sort((a, b) => a - b))
      )
        world.model.violation(`${told}, but the branches ${failed} failed`);
      if (failed.length > 0) world.model.tolerated += 1;
    }
  }
}

async function anyRewound(store: Store, children: readonly Message[]): Promise<boolean> {
  for (const { msgid } of children)
    if ((await store.commits(msgid)).some(({ outcome }) => outcome === 'rewind')) return true;
  return false;
}

function checkEffects(world: World, message: Message, booked: ReadonlySet<string>): void {
  const { model } = world;
  const { msgid } = message;
  for (const [index, step] of message.plan.steps.entries()) {
    if (isGroup(step)) continue;
    const key = `${msgid}.${index}`;
    const there = step.action === 'book' ? booked.has(key) : model.effects.has(key);
    const wanted = message.phase === 'done' && index >= message.floor;
    if (wanted && !there) model.violation(`message ${msgid} is done, but ${key} does not exist`);
    if (!wanted && there && !model.skipped.has(key))
      model.violation(`message ${msgid} is ${message.phase}, but ${key} is left`);
    if (!wanted || step.action === 'book') continue;
    const entry = message.trail.find(known => 'step' in known && known.step === index);
    if (entry === undefined || !('set' in entry) || entry.set[`s${index}`] !== model.effects.get(key))
      model.violation(`message ${msgid} tells of another ${key} than there is`);
  }
}

/** Rolled back, the parameters are those it began with and what people changed. */
async function checkParameters(world: World, message: Message): Promise<void> {
  const commits = await world.server!.store.commits(message.msgid);
  const expected: Record<string, unknown> = { ...message.base };
  for (const commit of commits) {
    if (commit.outcome === 'rewind' || commit.outcome === 'resolve') {
      const how = (commit.detail as { how?: string }).how;
      if (how === undefined || how === 'edit') Object.assign(expected, commit.set);
    }
  }
  const now = parametersOf(message);
  const at = await world.server!.store.parametersAt(message.msgid, message.seq);
  for (const [what, value] of [
    ['its row', now],
    ['its commits', at],
  ] as const) {
    if (JSON.stringify(sorted(value ?? {})) !== JSON.stringify(sorted(expected)))
      world.model.violation(
        `message ${message.msgid} rolled back has by ${what} ${JSON.stringify(value)}, not ${JSON.stringify(expected)}`,
      );
  }
}

function sorted(object: object): [string, unknown][] {
  return Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1));
}
