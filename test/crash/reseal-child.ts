/** Rotates, reseals and drops keys again and again until it is killed: node reseal-child.ts STORE KEY_FILE. */
import { installationSchema } from '../../src/cli/installation-schema.ts';
import { openSecrets } from '../../src/secret/open-secrets.ts';
import { openPostgres } from '../../src/store/postgres/open-postgres.ts';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';

const [address = '', keyFile = ''] = process.argv.slice(2);
const schema = installationSchema;
const store = address.startsWith('postgres')
  ? await openPostgres({ url: address, namespace: 'reseal', schema })
  : openSqlite({ file: address, schema });
const { keys } = await openSecrets(store, keyFile);
process.stdout.write('open\n');
for (;;) {
  await keys.rotate();
  await keys.reseal();
  for (const { id, newest } of await keys.list()) if (!newest) await keys.drop(id);
  process.stdout.write('round\n');
}
