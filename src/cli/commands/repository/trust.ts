import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '../../../client/client.ts';
import { CoaxError, textOf } from '../../../errors/coax-error.ts';
import { type PublicKey, publicKey, readKeyFile, type SigningKey } from '../../../package/repository/keys.ts';
import { TrustedRepository } from '../../../package/repository/trusted-repository.ts';
import type { Context } from '../../context.ts';

export const KEY = {
  flags: '--key <file>',
  about: 'Key to sign with; may be given again when several must sign',
  repeats: true,
  completes: 'file',
} as const;
export const ROOT = {
  flags: '--root <file>',
  about: 'The root that is trusted (default: what was seen first from this server)',
  completes: 'file',
} as const;

/**
 * The server's repository, believed only as far as it verifies. What was seen last is kept in the data directory of this
 * machine, so that nobody is led back behind it. Errors: COAX_USAGE for a root that cannot be read.
 */
export async function trustedRepository(
  { dataDir }: Pick<Context, 'dataDir'>,
  client: Client,
  root?: string,
): Promise<TrustedRepository> {
  // Of several servers the first stands for all, whichever answers.
  const server = hash('sha256', client.transport.servers.all[0]!.url).slice(0, 16);
  return new TrustedRepository({
    files: { name: client.url, open: (kind, name, signal) => client.packages.open(kind, name, signal) },
    folder: join(dataDir, 'package-trust', server),
    ...(root !== undefined && { root: await readRoot(root) }),
  });
}

export const keysOf = (files: readonly string[]): Promise<SigningKey[]> =>
  Promise.all(files.map(readKeyFile));

/** Keys by their files, or by the 64 hex digits of their public halves when they lie elsewhere. Errors: COAX_REPOSITORY_KEY. */
export async function someKeys(
  given: readonly string[],
): Promise<{ keys: PublicKey[]; signing: SigningKey[] }> {
  const keys: PublicKey[] = [];
  const signing: SigningKey[] = [];
  for (const text of given) {
    if (/^[0-9a-f]{64}$/.test(text)) {
      keys.push(publicKey(text));
      continue;
    }
    const key = await readKeyFile(text);
    keys.push({ id: key.id, public: key.public });
    signing.push(key);
  }
  return { keys, signing };
}

async function readRoot(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new CoaxError('COAX_USAGE', `the root cannot be read: ${textOf(cause)}`, { where: file, cause });
  }
}
