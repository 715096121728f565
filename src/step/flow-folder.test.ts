import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openFlows } from './flow-folder.ts';

function withFolders(work: (one: string, two: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const [one, two] = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'coax-flows-'))) as [string, string];
    try {
      await work(one, two);
    } finally {
      rmSync(one, { recursive: true });
      rmSync(two, { recursive: true });
    }
  };
}

const typescript =
  "import { defineFlow } from 'coax';\nexport default defineFlow({ name: 'from_ts', steps: ['network alloc_ip'] });\n";

test(
  'flows of YAML and TypeScript, changed, broken, mended and removed',
  withFolders(async dir => {
    const flows = openFlows({ dirs: [dir] });
    writeFileSync(join(dir, 'a.yaml'), 'name: a\nsteps: [x one]\n');
    writeFileSync(join(dir, 'b.ts'), typescript);
    writeFileSync(join(dir, 'README.md'), 'not a flow');
    assert.deepEqual(await flows.refresh(), []);
    assert.deepEqual(
      flows.list().map(({ name }) => name),
      ['a', 'from_ts'],
    );
    assert.equal(flows.find('from_ts')!.file, join(dir, 'b.ts'));
    assert.equal(flows.find('from_ts')!.source, typescript);

    writeFileSync(join(dir, 'a.yaml'), 'name: a\nsteps: [x one, x two]\n');
    await flows.refresh();
    assert.equal(flows.find('a')!.steps.length, 2);

    writeFileSync(join(dir, 'a.yaml'), 'name: a\nstesp: [x one]\n');
    const [fault] = await flows.refresh();
    assert.equal(fault!.where, join(dir, 'a.yaml'));
    assert.match(
      fault!.reason,
      /a\.yaml:2:1: unknown key "stesp"; did you mean "steps"\?.*last good version/,
    );
    assert.equal(flows.find('a')!.steps.length, 2);

    rmSync(join(dir, 'a.yaml'));
    assert.deepEqual(await flows.refresh(), []);
    assert.equal(flows.find('a'), null);
  }),
);

test(
  'the first folder wins',
  withFolders(async (one, two) => {
    writeFileSync(join(one, 'a.yaml'), 'name: a\nsteps: [x one]\n');
    writeFileSync(join(two, 'mine.yml'), 'name: a\nsteps: [x two]\n');
    const flows = openFlows({ dirs: [one, two] });
    const faults = await flows.refresh();
    assert.equal(flows.find('a')!.file, join(one, 'a.yaml'));
    assert.deepEqual(faults, [
      {
        where: join(two, 'mine.yml'),
        reason: `the flow a is given by ${join(one, 'a.yaml')} already, which is used`,
      },
    ]);
  }),
);

test(
  'changes are followed without being asked',
  withFolders(async dir => {
    const flows = openFlows({ dirs: [dir] }).watch();
    try {
      await flows.refresh();
      writeFileSync(join(dir, 'a.yaml'), 'name: a\nsteps: [x one]\n');
      for (let i = 0; i < 9000 && flows.find('a') === null; i++)
        await new Promise(resolve => setTimeout(resolve, 20));
      assert.ok(flows.find('a'));
    } finally {
      flows.close();
    }
  }),
);
