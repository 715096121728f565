/** The threat model names a test for each line; here each is looked up. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './console.ts';

/** Lines of tables whose last cell names no test that is there. */
function unheld(page: string): string[] {
  const rows = page.split('\n').filter(line => /^\| (?!what somebody|---)/.test(line));
  return rows.filter(row => {
    const cell = row.split(' | ').at(-1)!.replace(/ \|$/, '');
    const [, file = '', name = ''] = /^`([^`]+)`: ?(.*)$/.exec(cell) ?? [];
    const path = join(ROOT, file);
    if (file === '' || !existsSync(path)) return true;
    const titles = readFileSync(path, 'utf8').matchAll(/\b(?:test|it)\(\s*(['"`])(.*?)\1/g);
    return ![...titles].some(([, , title]) => title!.startsWith(name));
  });
}

test('each line of the threat model names a test that is there', () => {
  const page = readFileSync(join(ROOT, 'docs/design/security.md'), 'utf8');
  assert.deepEqual(unheld(page), []);
  assert.ok(page.split('\n').filter(line => line.startsWith('| ')).length > 25);
  assert.equal(unheld('| a | b | `test/security/attacks.test.ts`: no such test |').length, 1);
  assert.equal(unheld('| a | b | `test/security/none.test.ts`: a |').length, 1);
});
