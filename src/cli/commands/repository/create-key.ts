import { resolve } from 'node:path';
import { createKeyFile } from '../../../package/repository/keys.ts';
import { defineVerb } from '../../verb.ts';

/** Makes a key that can sign for the repository of host packages. */
export const verb = defineVerb({
  examples: [
    ['coax repository create-key root.key', 'then keep it where no server is'],
    ['coax repository create-key targets.key -o json', 'id and public half, for a program'],
  ],
  details: [
    'An Ed25519 key as PEM, in a new file that only its owner may read. Whoever has it can sign: keep the keys of the root offline, each in another place.',
  ],
  args: [{ name: '<file>', about: 'A file that is not there yet', completes: 'file' }],
  async run({ out }, [file = '']) {
    const { id, public: half } = await createKeyFile(resolve(file));
    await out.object({ file: resolve(file), id, public: half }, id, () =>
      out.fields([
        ['file', resolve(file)],
        ['id', id],
        ['public', half],
      ]),
    );
    return 0;
  },
});
