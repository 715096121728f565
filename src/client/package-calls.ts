import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type {
  CollectAnswer,
  KeyView,
  MissingAnswer,
  PublishedList,
  PublishedShow,
  RepositoryView,
  StoredAnswer,
} from '../api/package/repository.ts';
import type { RolloutView } from '../api/package/rollout.ts';
import type { ListQuery } from '../api/value.ts';
import { CoaxError, isCoaxError, textOf } from '../errors/coax-error.ts';
import type { Transport } from './transport.ts';

const REPOSITORY = '/v1/package-repository';
/** Hashes in one question. */
const ASKED_MAX = 10_000;

/** What can be asked of host packages and of their repository. */
export class PackageCalls {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** By name, the newest first; all when there is no limit. */
  list(query: ListQuery = {}): Promise<PublishedList> {
    return this.#transport.json({ method: 'GET', path: '/v1/packages', query: { ...query } });
  }

  show(name: string, version: string): Promise<PublishedShow> {
    const path = `/v1/packages/${encodeURIComponent(name)}/${encodeURIComponent(version)}`;
    return this.#transport.json({ method: 'GET', path });
  }

  rollout(msgid: number): Promise<RolloutView> {
    return this.#transport.json({ method: 'GET', path: `/v1/rollouts/${msgid}` });
  }

  repository(): Promise<RepositoryView> {
    return this.#transport.json({ method: 'GET', path: REPOSITORY });
  }

  /** `next`: the key that is to follow, which signs once a root names it. */
  onlineKey(next = false): Promise<KeyView> {
    return this.#transport.json({ method: 'POST', path: `${REPOSITORY}/online-key`, body: { next } });
  }

  init(body: { readonly root: string; readonly targets: string }): Promise<RepositoryView> {
    return this.#transport.json({ method: 'POST', path: `${REPOSITORY}/init`, body });
  }

  rotate(body: { readonly root: string; readonly targets?: string }): Promise<RepositoryView> {
    return this.#transport.json({ method: 'POST', path: `${REPOSITORY}/rotate`, body });
  }

  refresh(): Promise<RepositoryView> {
    return this.#transport.json({ method: 'POST', path: `${REPOSITORY}/refresh`, body: {} });
  }

  collect(body: { readonly graceMs?: number; readonly dryRun?: boolean }): Promise<CollectAnswer> {
    return this.#transport.json({ method: 'POST', path: `${REPOSITORY}/collect`, body });
  }

  async missing(sha256s: readonly string[]): Promise<string[]> {
    const missing: string[] = [];
    for (let at = 0; at < sha256s.length; at += ASKED_MAX) {
      const body = { sha256: sha256s.slice(at, at + ASKED_MAX) };
      const path = `${REPOSITORY}/missing`;
      missing.push(...(await this.#transport.json<MissingAnswer>({ method: 'POST', path, body })).missing);
    }
    return missing;
  }

  putContent(sha256: string, size: number, bytes: AsyncIterable<Uint8Array>): Promise<StoredAnswer> {
    const path = `${REPOSITORY}/contents/${sha256}`;
    return this.#transport.json({ method: 'PUT', path, upload: { size, bytes } });
  }

  putManifest(bytes: Uint8Array): Promise<StoredAnswer> {
    const upload = { size: bytes.length, bytes: Readable.from([bytes]) };
    return this.#transport.json({ method: 'PUT', path: `${REPOSITORY}/manifests`, upload });
  }

  publish(targets: Uint8Array): Promise<RepositoryView> {
    const upload = { size: targets.length, bytes: Readable.from([targets]) };
    return this.#transport.json({ method: 'PUT', path: `${REPOSITORY}/targets`, upload });
  }

  /** A file of the repository as it comes, not verified; null when there is none. Errors: COAX_REPOSITORY_UNAVAILABLE. */
  async open(kind: string, name: string, signal?: AbortSignal): Promise<Readable | null> {
    const path = `${REPOSITORY}/files/${kind}/${encodeURIComponent(name)}`;
    try {
      const answer = await this.#transport.send({ method: 'GET', path, signal });
      const { location } = answer.headers;
      if (answer.statusCode !== 307 || location === undefined) return answer;
      answer.resume();
      return await fromStore(location, name, signal);
    } catch (error) {
      if (isCoaxError(error, 'COAX_NOT_FOUND')) return null;
      throw error;
    }
  }
}

/** Straight from the store, by an address that needs no token: ours is not sent there. */
async function fromStore(url: string, name: string, signal?: AbortSignal): Promise<Readable | null> {
  const fault = (reason: string, cause?: unknown): CoaxError =>
    new CoaxError('COAX_REPOSITORY_UNAVAILABLE', reason, { where: name, cause });
  let answer: Response;
  try {
    answer = await fetch(url, { redirect: 'error', ...(signal && { signal }) });
  } catch (cause) {
    signal?.throwIfAborted();
    throw fault(`the store ${new URL(url).host} does not answer: ${textOf(cause)}`, cause);
  }
  if (answer.ok && answer.body !== null) return Readable.fromWeb(answer.body as ReadableStream<Uint8Array>);
  await answer.body?.cancel();
  if (answer.status === 404) return null;
  throw fault(`the store ${new URL(url).host} answers with status ${answer.status}`);
}
