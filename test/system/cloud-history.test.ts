import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openSimulated } from '../../src/cloud/compute/simulated/simulated.ts';
import { simulatedHosts } from '../../src/cloud/simulated-hosts.ts';
import { CoaxError } from '../../src/errors/coax-error.ts';
import { lintFlow } from '../../src/flow/lint-flow.ts';
import { packageModule } from '../../src/package/module/package-module.ts';
import { FolderSource } from '../../src/package/source/folder-source.ts';
import { openCatalogue } from '../../src/step/catalogue.ts';
import { builtinFlow, openFixture } from './cloud-fixture.ts';

const BY = { actor: 'test', reason: 'to see' };
const FLOWS = join(import.meta.dirname, '../../flows');

test('lint has nothing to say about the flows that come with Coax', async () => {
  await using fixture = await openFixture();
  // Of packages only what its actions are called is asked here.
  const packages = packageModule({
    installation: 'lint',
    hostAt: () => null,
    sourceAt: () => new FolderSource(FLOWS, null),
  });
  const catalogue = openCatalogue({ builtin: [...fixture.cloud.modules, packages], dirs: [] });
  const names = readdirSync(FLOWS).map(file => file.replace(/\.yaml$/, ''));
  assert.ok(names.includes('create_vm'));
  for (const name of names) assert.deepEqual(lintFlow(builtinFlow(name), catalogue), [], name);
  catalogue.close();
});

const names = fc.constantFrom('a', 'b', 'c', 'd', '');
const deed = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('create' as const),
      name: names,
      mem: fc.constantFrom(96, 600, 5000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('stop' as const, 'start' as const, 'reboot' as const),
      name: names,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('revert' as const, 'cancel' as const), which: fc.nat() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('settle' as const) }) },
);

test('any history of creates, stops, failures, cancels and reverts leaves books and guests that agree', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(deed, { minLength: 5, maxLength: 40 }),
      fc.integer({ min: 2, max: 9 }),
      async (deeds, failEvery) => {
        const dataDir = mkdtempSync(join(tmpdir(), 'coax-cloud-'));
        let operations = 0;
        const hypervisor = openSimulated({
          dataDir,
          fail(operation) {
            // An undo that fails for good parks its message, which is another story.
            if (operation === 'create' && ++operations % failEvery === 0)
              throw new CoaxError('COAX_HYPERVISOR', 'chance');
          },
        });
        const small = simulatedHosts('')
          .slice(0, 2)
          .map(host => ({ ...host, cpuTotal: 3, memTotalMib: 2000 }));
        const fixture = await openFixture({ dataDir, hypervisor, simulatedHosts: small });
        try {
          const msgids: number[] = [];
          for (const one of deeds) {
            if (one.kind === 'settle') await Promise.all(msgids.map(fixture.rest));
            else if (one.kind === 'create')
              msgids.push(await fixture.submit('create_vm', { cpu: 1, mem: one.mem, name: one.name }));
            else if ('name' in one)
              msgids.push(await fixture.submit(`${one.kind}_vm`, { name: one.name || 'a' }));
            else if (msgids.length > 0) {
              const msgid = msgids[one.which % msgids.length]!;
              const verb =
                one.kind === 'revert'
                  ? fixture.decisions.revert(msgid, BY, true)
                  : fixture.decisions.cancel(msgid, BY);
              await verb.catch((error: unknown) => assert.ok(error instanceof CoaxError, String(error)));
            }
          }
          const rested = await Promise.all(msgids.map(fixture.rest));
          assert.deepEqual(
            rested.filter(({ phase }) => phase === 'parked').map(({ undoError }) => undoError),
            [],
          );
          assert.deepEqual(await fixture.cloud.fsck(), []);
          const guests = await hypervisor.list();
          const vms = await fixture.cloud.vms();
          assert.deepEqual(vms.map(({ uuid }) => uuid).sort(), guests.map(({ uuid }) => uuid).sort());

          for (const { msgid, phase } of rested) {
            if (phase !== 'done') continue;
            await fixture.decisions.revert(msgid, BY, true);
            await fixture.rest(msgid);
          }
          assert.deepEqual(await fixture.store.allocations(), []);
          assert.deepEqual(await hypervisor.list(), []);
          assert.ok(
            (await fixture.cloud.hosts()).every(({ cpu, memMib }) => cpu.used === 0 && memMib.used === 0),
          );
          assert.deepEqual(await fixture.cloud.fsck(), []);
        } finally {
          await fixture.stop();
          rmSync(dataDir, { recursive: true });
        }
      },
    ),
    { numRuns: 25 },
  );
});
