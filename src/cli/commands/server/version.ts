import { readFileSync } from 'node:fs';
import { defineVerb } from '../../verb.ts';

/** The version in package.json. */
export function readVersion(): string {
  const text = readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** Prints the version. */
export const verb = defineVerb({
  examples: [
    ['coax version', 'the version of this command'],
    ['coax version -o json', 'with those of Node and SQLite'],
  ],
  async run({ out }) {
    const version = readVersion();
    const { node, sqlite } = process.versions;
    await out.object({ version, node, sqlite }, version, () => out.line(`coax ${version}`));
    return 0;
  },
});
