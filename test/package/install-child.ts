/** An install, for a test that kills it: `install-child.ts ROOT SOURCE NAME@VERSION`. */
import { readdirSync } from 'node:fs';
import { FolderSource } from '../../src/package/source/folder-source.ts';
import { asker, openHost } from './host-fixture.ts';

const [root = '', dir = '', wanted = ''] = process.argv.slice(2);
const [name = '', range = ''] = wanted.split('@');
// Where the trace of the install itself begins.
readdirSync(root);
const host = openHost(root);
const { packages } = await host.fetch({ name, range }, new FolderSource(dir, null), asker());
await host.switchTo(packages, asker());
