import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MessageView } from '../../src/api/message.ts';
import type { CoaxClient } from '../../src/client/client.ts';
import { isCoaxError } from '../../src/errors/coax-error.ts';
import type { Parameters } from '../../src/message/message.ts';
import { everyMessage } from '../../src/testing/every-message.ts';
import { Random } from '../simulation/random.ts';
import { Installation } from './installation.ts';

/** Where the server ends itself; undefined: it is killed at a moment that chance picks. `in-undo`: an undo kills it. */
const POINTS = [
  'after-accept',
  'after-claim',
  'before-commit',
  'after-commit',
  'statement',
  'in-undo',
  undefined,
  undefined,
] as const;
/** A campaign leaves so many VMs while it goes on. */
const VMS_MAX = 10;
const REST_MS = 300_000;

interface Request {
  readonly key: string;
  readonly flow: string;
  readonly parameters: Parameters;
}

interface Accepted extends Request {
  readonly msgid: number;
}

/** Kills a server so many times while it works, starts it again each time, and then checks what it promised. */
export async function campaign(kills: number, seed: number): Promise<void> {
  const random = new Random(seed);
  const installation = new Installation();
  const accepted: Accepted[] = [];
  try {
    for (let life = 0; life < kills; life++)
      await oneLife(installation, random, POINTS[life % POINTS.length], accepted, life);
    installation.disarm();
    const client = await installation.start();
    assert.ok(client !== null, installation.log);
    await checkAnswers(client, accepted);
    const messages = await rest(client);
    checkEffects(installation, messages);
    assert.ok(messages.length >= accepted.length && accepted.length > 0);
    await checkClean(client);
    await removeVms(client, messages);
    await checkClean(client);
    await installation.stop();
    assert.deepEqual(installation.processes(), [], 'no process is left');
    assert.equal(installation.violations(), '');
  } finally {
    await installation.kill();
    installation.remove();
  }
}

/** From a start to a kill, with messages sent meanwhile. */
async function oneLife(
  installation: Installation,
  random: Random,
  point: (typeof POINTS)[number],
  accepted: Accepted[],
  life: number,
): Promise<void> {
  if (point === 'in-undo') installation.armUndo();
  else installation.disarm();
  const named = point !== undefined && point !== 'in-undo';
  const nth = point === 'statement' ? random.int(1, 2000) : random.int(1, 30);
  const client = await installation.start(named ? `${point}:${nth}` : undefined);
  const requests = client === null ? [] : requestsOf(installation, life);
  const sent = requests.map(request => send(client!, request, accepted, request.key.endsWith('cancelled')));
  await Promise.all([
    ...sent,
    ...(client === null ? [] : [thinOut(client)]),
    point === undefined
      ? sleep(random.int(0, 1200)).then(() => installation.kill())
      : installation.ended(2500).then(() => installation.kill()),
  ]);
}

/** Sends one message; what the server answered is what it must keep. No answer proves nothing. */
async function send(
  client: CoaxClient,
  request: Request,
  accepted: Accepted[],
  cancel: boolean,
): Promise<void> {
  try {
    const { msgid } = await client.submit(request);
    accepted.push({ ...request, msgid });
    if (cancel) await client.cancel(msgid, { reason: 'the campaign thought so' });
  } catch (error) {
    if (!isCoaxError(error) || !['unavailable', 'conflict'].includes(error.kind)) throw error;
  }
}

/** Keeps room for more: a long campaign makes more VMs than there are addresses. */
async function thinOut(client: CoaxClient): Promise<void> {
  try {
    const { items } = await client.vms();
    for (const { name } of items.slice(VMS_MAX)) await client.removeVm(name, { reason: 'to make room' });
  } catch (error) {
    if (!isCoaxError(error) || !['unavailable', 'conflict', 'not_found'].includes(error.kind)) throw error;
  }
}

function requestsOf(installation: Installation, life: number): Request[] {
  const shake = { dir: installation.dir };
  return [
    { key: `${life}-refused`, flow: 'refused', parameters: shake },
    { key: `${life}-shaken`, flow: 'shaken', parameters: shake },
    { key: `${life}-cancelled`, flow: 'shaken', parameters: shake },
    { key: `${life}-vm`, flow: 'create_vm', parameters: { cpu: 1, mem: 128 } },
    { key: `${life}-vm-cancelled`, flow: 'create_vm', parameters: { cpu: 1, mem: 128 } },
  ];
}

/** Every answer that was given holds: the same key gives the same message. */
async function checkAnswers(client: CoaxClient, accepted: readonly Accepted[]): Promise<void> {
  for (const { msgid, ...request } of accepted)
    assert.equal((await client.submit(request)).msgid, msgid, `key ${request.key}`);
}

/** All messages, once they are done or rolled back. */
async function rest(client: CoaxClient): Promise<MessageView[]> {
  for (const until = Date.now() + REST_MS; ; ) {
    const { queued, running, waiting, parked } = await client.counts();
    assert.equal(
      parked,
      0,
      `an undo was refused: ${JSON.stringify((await client.messages({ children: true, status: 'parked', limit: 2 })).items)}`,
    );
    if (queued + running + waiting === 0) break;
    assert.ok(
      Date.now() < until,
      `still under way: ${JSON.stringify(await client.messages({ children: true }))}`,
    );
    await sleep(100);
  }
  return everyMessage(client);
}

/** What is done has made each of its things, what is rolled back has left none, and nobody else made any. */
function checkEffects(installation: Installation, messages: readonly MessageView[]): void {
  const wanted = messages.flatMap(({ msgid, status, steps }) =>
    status === 'done'
      ? steps.flatMap(({ index, step }) => (step.startsWith('shake') ? [`${msgid}.${index}`] : []))
      : [],
  );
  assert.deepEqual(installation.effects().sort(), wanted.sort());
  for (const { msgid, flow, status, cause, error, parent } of messages) {
    if (parent !== null || cause === 'cancelled' || cause === 'reverted') continue;
    const wanted = flow === 'refused' ? 'rolled_back' : 'done';
    assert.equal(status, wanted, `message ${msgid}, ${flow}: ${JSON.stringify(error)}`);
  }
}

async function checkClean(client: CoaxClient): Promise<void> {
  const report = await client.fsck();
  assert.deepEqual(report.faults, []);
  assert.equal(report.ok, true);
}

/** There is a VM for each message that made one and no other; removed, they leave no claim and no address behind. */
async function removeVms(client: CoaxClient, messages: readonly MessageView[]): Promise<void> {
  const made = messages.filter(({ flow, status }) => flow === 'create_vm' && status === 'done');
  const { items } = await client.vms();
  assert.deepEqual(items.map(({ msgid }) => msgid).sort(), made.map(({ msgid }) => msgid).sort());
  assert.ok(items.every(({ state }) => state === 'running'));
  for (const { name } of items) await client.removeVm(name, { reason: 'the campaign ends' });
  await rest(client);
  assert.deepEqual((await client.vms()).items, []);
  for (const { name, cpu, memMib } of (await client.hosts()).items)
    assert.deepEqual([cpu.used, memMib.used], [0, 0], `host ${name}`);
  for (const { name, addresses } of (await client.networks()).items)
    assert.equal(addresses.used, 0, `network ${name}`);
}
