import { type Fault, isCoaxError } from '../../errors/coax-error.ts';
import { parseManifest } from '../format/manifest.ts';
import { verifiedBytes } from '../format/verified-bytes.ts';
import type { TrustedRepository } from './trusted-repository.ts';

export interface RepositoryReport {
  readonly packages: number;
  /** Each content once. */
  readonly contents: number;
  /** Of the contents, unpacked. */
  readonly bytes: number;
  readonly faults: readonly Fault[];
}

/**
 * Reads all that is published, as a host would: signatures, manifests, every byte of every content. A fault of the signatures is
 * thrown, since then nothing else is to be believed. Errors: as `TrustedRepository.packages`.
 */
export async function verifyRepository(repository: TrustedRepository): Promise<RepositoryReport> {
  const published = await repository.packages();
  const faults: Fault[] = [];
  const seen = new Set<string>();
  let bytes = 0;
  for (const { name, version } of published) {
    const where = `${name}@${version}`;
    try {
      const manifest = parseManifest(await repository.manifest(name, version), where);
      const refs = manifest.entries.flatMap(entry => (entry.type === 'file' ? [entry] : []));
      for (const ref of refs) {
        if (seen.has(ref.sha256)) continue;
        seen.add(ref.sha256);
        try {
          for await (const content of repository.contents(manifest, [ref]))
            for await (const piece of verifiedBytes(content.bytes, ref, `${where} ${ref.path}`))
              bytes += piece.length;
        } catch (error) {
          faults.push(faultOf(error, `${where} ${ref.path}`));
        }
      }
    } catch (error) {
      faults.push(faultOf(error, where));
    }
  }
  return { packages: published.length, contents: seen.size, bytes, faults };
}

/** What is wrong with one thing; what is wrong with all, as a store that does not answer, is thrown. */
function faultOf(error: unknown, where: string): Fault {
  if (!isCoaxError(error) || error.kind === 'unavailable') throw error;
  return { where, reason: error.reason };
}
