import { resolve } from 'node:path';
import { buildPackage } from '../../../package/format/build.ts';
import { readKey } from '../../../package/format/signature.ts';
import { bytesText } from '../../output/bytes.ts';
import { plural } from '../../output/text.ts';
import { defineVerb } from '../../verb.ts';

/** Builds a package; no server is asked. */
export const verb = defineVerb<{ readonly out?: string; readonly key?: string }>({
  examples: [
    ['coax package build web --out dist', 'dist/web-1.4.2.tar.zst, by web/package.yaml and web/files/'],
    ['coax package build web --key release.pem', 'signed, for hosts that are given it as a file'],
  ],
  details: [
    'The same package.yaml, contents and executable bits give the same bytes, whoever builds them, where and when. What stands in package.yaml, and what a package may hold: docs/how-to/host-packages.md.',
    'The key is an Ed25519 one, as `openssl genpkey -algorithm ed25519 -out release.pem` makes it. The repository signs what is published by keys of its own.',
  ],
  args: [{ name: '<dir>', about: 'Folder with package.yaml and files/', completes: 'file' }],
  options: [
    { flags: '--out <dir>', about: 'Where to write it (default: here)', completes: 'file' },
    { flags: '--key <file>', about: 'Sign its manifest with this private key (PEM)', completes: 'file' },
  ],
  async run({ out }, [dir = ''], options) {
    const key = options.key === undefined ? null : readKey(options.key, 'private');
    const built = await buildPackage(dir, options.out ?? '.', key);
    const { manifest, digest, bytes, unpackedBytes } = built;
    const { name, version, architecture, entries } = manifest;
    const file = resolve(built.file);
    const signed = key !== null;
    await out.object(
      { file, name, version, architecture, digest, bytes, unpackedBytes, entries: entries.length, signed },
      built.file,
      () =>
        out.fields([
          ['package', `${out.style('bold', name)} ${version}`],
          ['file', built.file],
          ['for', architecture],
          [
            'holds',
            `${plural(entries.length, 'entry', 'entries')}, ${bytesText(unpackedBytes)}, packed ${bytesText(bytes)}`,
          ],
          ['digest', digest],
          ['signed', signed ? 'yes' : null],
        ]),
    );
    return 0;
  },
});
