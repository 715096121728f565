/** Power is lost before every single change of the disk: after it the old packages stand, or the new ones, never a mix. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { ContentSource } from '../../src/package/content-source.ts';
import { type Manifest, type ManifestEntry, manifestBytes } from '../../src/package/format/manifest.ts';
import type { RunCommand } from '../../src/package/install/commands.ts';
import { type Asker, PackageHost } from '../../src/package/install/package-host.ts';
import { chance, FATES, type Fate, LossyDisk, PowerLost } from './lossy-disk.ts';
import { fileEntry, manifestOf, sha256 } from './package-fixture.ts';

const SEEDS = process.env.COAX_LONG === '1' ? 60 : 2;
const fates: readonly Fate[] = [...FATES, ...Array.from({ length: SEEDS }, (_, seed) => chance(seed + 1))];
const ASKER: Asker = { by: 'test', log() {} };

const contents = new Map<string, string>();
const packages = new Map<string, Manifest>();
function publish(
  name: string,
  version: string,
  files: Readonly<Record<string, string>>,
  more: Partial<Manifest> = {},
): void {
  const entries: ManifestEntry[] = [
    { path: 'd', type: 'folder' },
    ...Object.entries(files).map(([path, text]) => fileEntry(path, text)),
    { path: 'to-page', type: 'link', target: 'page' },
  ];
  for (const text of Object.values(files)) contents.set(sha256(text), text);
  packages.set(`${name} ${version}`, manifestOf(entries, { name, version, ...more }));
}
const HEALTH = { command: ['/bin/check'], timeoutMs: 1000, attempts: 1, everyMs: 0 };
publish('runtime', '1.0.0', { 'd/a': 'one', page: 'runtime one' });
publish('runtime', '2.0.0', { 'd/a': 'two', page: 'runtime two' });
publish('web', '1.0.0', { 'd/a': 'shared', page: 'web one' }, { dependencies: { runtime: '^1.0.0' } });
publish(
  'web',
  '2.0.0',
  { 'd/a': 'shared', page: 'web two' },
  {
    dependencies: { runtime: '^2.0.0' },
    hooks: { after_switch: { command: ['/bin/hook'], timeoutMs: 1000 } },
  },
);
publish('web', '2.1.0', { 'd/a': 'shared', page: 'web two one' }, { dependencies: { runtime: '^2.0.0' } });
publish(
  'web',
  '3.0.0',
  { 'd/a': 'shared', page: 'web three' },
  {
    dependencies: { runtime: '^2.0.0' },
    health: HEALTH,
  },
);

const SOURCE: ContentSource = {
  name: 'memory',
  versions: async name => [...packages.values()].filter(each => each.name === name).map(each => each.version),
  manifest: async (name, version) => manifestBytes(packages.get(`${name} ${version}`)!),
  async *contents(_manifest, wanted) {
    for (const { sha256, size } of wanted) {
      const text = Buffer.from(contents.get(sha256)!);
      const bytes = (async function* () {
        yield text.subarray(0, 2);
        yield text.subarray(2);
      })();
      yield { sha256, size, bytes };
    }
  },
};

/** Version 3.0.0 of web is never healthy. */
const run: RunCommand = async (_command, { version }) => (version === '3.0.0' ? 'it does not answer' : null);
const hostOn = (disk: LossyDisk): PackageHost =>
  new PackageHost({ root: '/r', disk, run, lock: () => ({ release() {} }) });

async function install(host: PackageHost, version: string): Promise<void> {
  const { packages } = await host.fetch({ name: 'web', range: version }, SOURCE, ASKER);
  await host.switchTo(packages, ASKER);
}

/** A disk with a host's packages, after some history. */
async function diskWith(...versions: string[]): Promise<LossyDisk> {
  const disk = new LossyDisk();
  await disk.makeFolder('/r');
  await disk.syncFolder('/');
  for (const version of versions) await install(hostOn(disk), version);
  return disk;
}

/** Which versions stand, after all of it was read and found whole: `web 1.0.0, runtime 1.0.0`. */
async function standing(disk: LossyDisk): Promise<string> {
  const host = hostOn(disk);
  assert.deepEqual(await host.verify(null), []);
  const list = (await host.list()).filter(({ version }) => version !== null);
  return list.map(({ name, version }) => `${name} ${version}`).join(', ');
}

interface Scenario {
  /** The disk before; it is copied for each loss. */
  readonly before: LossyDisk;
  readonly act: (host: PackageHost) => Promise<unknown>;
  /** What may stand after a loss; the last is what stands when nothing is lost. */
  readonly mayStand: readonly string[];
}

/** Loses power before each operation in turn, with every fate. Gives the number of losses. */
async function loseEverywhere({ before, act, mayStand }: Scenario): Promise<number> {
  let losses = 0;
  for (let endsAt = 1; ; endsAt++) {
    const isOver = await attempt(before, act, endsAt, async disk => {
      for (const fate of fates) {
        losses++;
        const found = disk.afterLoss(fate);
        const stands = await standing(found);
        assert.ok(mayStand.includes(stands), `power lost before operation ${endsAt}: ${stands}`);
        // Whoever comes next ends what was begun, and power may be lost while that is done.
        await recoverWithLosses(found, fate, mayStand);
        await hostOn(found).recover(ASKER);
        assert.ok(mayStand.includes(await standing(found)));
        assert.deepEqual(await found.list('/r/staging'), []);
        assert.equal(await found.look('/r/pending.json'), null);
        await install(hostOn(found), '2.0.0');
        assert.equal(await standing(found), 'runtime 2.0.0, web 2.0.0');
      }
    });
    if (isOver) return losses;
  }
}

/** Runs it on a copy until power is lost; true when it came to its end before. */
async function attempt(
  before: LossyDisk,
  act: Scenario['act'],
  endsAt: number,
  whenLost: (disk: LossyDisk) => Promise<void>,
): Promise<boolean> {
  const disk = before.afterLoss(FATES[2]!, endsAt);
  try {
    await act(hostOn(disk));
    return true;
  } catch (error) {
    if (!(error instanceof PowerLost)) throw error;
    await whenLost(disk);
    return false;
  }
}

async function recoverWithLosses(found: LossyDisk, fate: Fate, mayStand: readonly string[]): Promise<void> {
  for (let endsAt = 1; ; endsAt++) {
    const isOver = await attempt(
      found,
      host => host.recover(ASKER),
      endsAt,
      async disk => {
        const again = disk.afterLoss(fate);
        assert.ok(mayStand.includes(await standing(again)), `while recovering, before operation ${endsAt}`);
        await hostOn(again).recover(ASKER);
        assert.ok(mayStand.includes(await standing(again)));
      },
    );
    if (isOver) return;
  }
}

const ONE = 'runtime 1.0.0, web 1.0.0';
const TWO = 'runtime 2.0.0, web 2.0.0';

let total = 0;
after(() => console.log(`power was lost ${total} times`));

async function assertSurvives(scenario: Scenario, least: number): Promise<void> {
  const undisturbed = scenario.before.afterLoss(FATES[2]!);
  await scenario.act(hostOn(undisturbed));
  assert.equal(await standing(undisturbed), scenario.mayStand.at(-1));
  const losses = await loseEverywhere(scenario);
  total += losses;
  assert.ok(losses >= least, `power was lost only ${losses} times`);
}

test('the first install: nothing, or all of it', async () => {
  const before = await diskWith();
  await assertSurvives({ before, act: host => install(host, '1.0.0'), mayStand: ['', ONE] }, 200);
});

test('an upgrade of two packages at once: both old, or both new', async () => {
  const before = await diskWith('1.0.0');
  await assertSurvives({ before, act: host => install(host, '2.0.0'), mayStand: [ONE, TWO] }, 200);
});

test('an upgrade that is not healthy: the new version may stand, whole, until the next start takes it back', async () => {
  const before = await diskWith('2.0.0');
  const THREE = 'runtime 2.0.0, web 3.0.0';
  const act = (host: PackageHost) => install(host, '3.0.0').catch(unlessUnhealthy);
  await assertSurvives({ before, act, mayStand: [THREE, TWO] }, 200);
});

test('rollback, remove and undo', async () => {
  const before = await diskWith('1.0.0', '2.0.0');
  await assertSurvives({ before, act: host => host.rollback('web', ASKER), mayStand: [TWO, ONE] }, 50);
  await assertSurvives({ before, act: host => host.undo('test', ASKER), mayStand: [TWO, ONE] }, 50);
  const act = (host: PackageHost) => host.remove('web', ASKER);
  await assertSurvives({ before, act, mayStand: [TWO, 'runtime 2.0.0'] }, 50);
});

test('gc, and gc after a removal', async () => {
  const before = await diskWith('1.0.0', '2.0.0', '2.1.0');
  const stands = 'runtime 2.0.0, web 2.1.0';
  await assertSurvives({ before, act: host => host.collect(ASKER), mayStand: [stands] }, 50);
  await hostOn(before).remove('web', ASKER);
  await assertSurvives({ before, act: host => host.collect(ASKER), mayStand: ['runtime 2.0.0'] }, 50);
});

test('a disk that lies about its syncs is found out: the test can fail', async () => {
  const before = await diskWith('1.0.0');
  let mixes = 0;
  for (let endsAt = 1; endsAt < 200; endsAt++) {
    const disk = before.afterLoss(FATES[2]!, endsAt);
    disk.syncFolder = async () => {};
    try {
      await install(hostOn(disk), '2.0.0');
    } catch (error) {
      if (!(error instanceof PowerLost)) throw error;
    }
    for (const fate of fates) {
      try {
        const stands = await standing(disk.afterLoss(fate));
        if (stands !== ONE && stands !== TWO) mixes++;
      } catch {
        mixes++;
      }
    }
  }
  assert.ok(mixes > 0);
});

function unlessUnhealthy(error: Error & { code?: string }): void {
  if (error.code !== 'COAX_PACKAGE_UNHEALTHY') throw error;
}
