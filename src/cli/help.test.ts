import assert from 'node:assert/strict';
import { test } from 'node:test';
import { helpColumns, verbHelp } from './help.ts';
import type { Verb } from './verb.ts';

const VERB: Verb = {
  examples: [
    ['coax run create_vm cpu=2 mem=4096 --wait', 'submit it and look on until it ends'],
    ['coax run create_vm', ''],
  ],
  details: [
    'A value that is JSON (2, true) is that value, unless the flow wants text there; all else is text.',
  ],
  args: [
    { name: '<flow>', about: 'Name of the flow, of which `coax flow ls` shows all that there are here' },
  ],
  run: async () => 0,
};

test('help fits a narrow terminal, and no command in it is wrapped', () => {
  const narrow = helpColumns({ isTTY: true, columns: 66 });
  const { examples } = VERB;
  const lines = verbHelp('run', 'Submit a message', VERB, '<flow>', narrow).split('\n');
  for (const [command] of examples) assert.ok(lines.includes(`  ${command}`), command);
  const longest = Math.max(...examples.map(([command]) => command.length + 2));
  assert.deepEqual(
    lines.filter(line => line.length > Math.max(narrow, longest)),
    [],
  );
  assert.deepEqual(
    [{}, { isTTY: true, columns: 0 }, { isTTY: true, columns: 300 }].map(helpColumns),
    [100, 100, 100],
  );
});
