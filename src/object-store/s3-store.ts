import { openAsBlob } from 'node:fs';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { AwsClient } from 'aws4fetch';
import { CoaxError, textOf } from '../errors/coax-error.ts';
import type { LocalFile, ObjectStore, ObjectUse, StoredObject } from './object-store.ts';

export interface S3Options {
  readonly bucket: string;
  /** Before each name; empty, or ends with a slash. */
  readonly prefix: string;
  /** `http://host:9000`; the bucket comes after it in the path. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly use: ObjectUse;
}

const ANSWER_MS = 120_000;

/**
 * Files in a bucket of an S3-compatible store (the REST API of Amazon S3, path-style, Signature Version 4).
 * Requests that fail for a passing reason are sent again a few times.
 */
export class S3Store implements ObjectStore {
  readonly place: string;
  readonly #options: S3Options;
  readonly #client: AwsClient;

  constructor(options: S3Options) {
    const { accessKeyId, secretAccessKey, sessionToken, region } = options;
    this.#options = options;
    this.place = `s3://${options.bucket}/${options.prefix}`.replace(/\/$/, '');
    this.#client = new AwsClient({
      accessKeyId,
      secretAccessKey,
      ...(sessionToken !== undefined && { sessionToken }),
      service: 's3',
      region,
      retries: 4,
    });
  }

  async put(name: string, bytes: Buffer): Promise<void> {
    const answer = await this.#send('PUT', this.#url(name), name, bytes);
    await this.#check(answer, name);
  }

  async putFile(name: string, { file, sha256 }: LocalFile): Promise<void> {
    // A Blob of a file is read as it is sent, and its length is known beforehand.
    const body = await openAsBlob(file);
    const answer = await this.#send('PUT', this.#url(name), name, body, { 'x-amz-content-sha256': sha256 });
    await this.#check(answer, name);
  }

  async get(name: string): Promise<Buffer | null> {
    const answer = await this.#found(name);
    return answer && Buffer.from(await this.#whole(answer, name));
  }

  async open(name: string): Promise<StoredObject | null> {
    const answer = await this.#found(name);
    if (answer === null) return null;
    const length = answer.headers.get('content-length');
    const stream =
      answer.body === null ? Readable.from([]) : Readable.fromWeb(answer.body as ReadableStream<Uint8Array>);
    return { bytes: length === null ? null : Number(length), stream };
  }

  async has(name: string): Promise<boolean> {
    const answer = await this.#send('HEAD', this.#url(name), name);
    if (answer.status === 404) return false;
    await this.#check(answer, name);
    return true;
  }

  async remove(name: string): Promise<void> {
    const answer = await this.#send('DELETE', this.#url(name), name);
    // Some stores say 404 where Amazon's says 204 for what is not there.
    if (answer.status === 404 && !(await answer.clone().text()).includes('NoSuchBucket')) return;
    await this.#check(answer, name);
  }

  async link(name: string, seconds: number): Promise<string> {
    const url = new URL(this.#url(name));
    url.searchParams.set('X-Amz-Expires', String(seconds));
    return (await this.#client.sign(url, { method: 'GET', aws: { signQuery: true } })).url;
  }

  async list(): Promise<readonly string[]> {
    const { bucket, prefix } = this.#options;
    const names: string[] = [];
    for (let token = ''; ; ) {
      const query = new URLSearchParams({ 'list-type': '2', prefix });
      if (token !== '') query.set('continuation-token', token);
      const answer = await this.#send('GET', `${this.#root()}/${encodeURIComponent(bucket)}?${query}`, '');
      await this.#check(answer, '');
      const text = await answer.text();
      for (const [, key] of text.matchAll(/<Key>([^<]*)<\/Key>/g))
        names.push(unescaped(key as string).slice(prefix.length));
      token = unescaped(/<NextContinuationToken>([^<]*)</.exec(text)?.[1] ?? '');
      if (token === '') return names.sort();
    }
  }

  #root(): string {
    return this.#options.endpoint.replace(/\/+$/, '');
  }

  #url(name: string): string {
    const key = `${this.#options.prefix}${name}`.split('/').map(encodeURIComponent).join('/');
    return `${this.#root()}/${encodeURIComponent(this.#options.bucket)}/${key}`;
  }

  /** Null when the bucket is there and the object is not. */
  async #found(name: string): Promise<Response | null> {
    const answer = await this.#send('GET', this.#url(name), name);
    if (answer.status === 404 && !(await answer.clone().text()).includes('NoSuchBucket')) return null;
    await this.#check(answer, name);
    return answer;
  }

  async #whole(answer: Response, name: string): Promise<ArrayBuffer> {
    try {
      return await answer.arrayBuffer();
    } catch (cause) {
      throw this.#fault(name, `${this.#root()} broke off its answer: ${textOf(cause)}`, cause);
    }
  }

  async #send(
    method: string,
    url: string,
    name: string,
    body?: Buffer | Blob,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    try {
      return await this.#client.fetch(url, {
        method,
        headers,
        signal: AbortSignal.timeout(ANSWER_MS),
        ...(body !== undefined && { body: Buffer.isBuffer(body) ? new Uint8Array(body) : body }),
      });
    } catch (cause) {
      const why = cause instanceof Error && cause.cause !== undefined ? textOf(cause.cause) : textOf(cause);
      throw this.#fault(name, `${this.#root()} does not answer: ${why}`, cause);
    }
  }

  async #check(answer: Response, name: string): Promise<void> {
    if (answer.ok) return;
    const text = await answer.text();
    const [, code = `status ${answer.status}`] = /<Code>([^<]*)<\/Code>/.exec(text) ?? [];
    const [, reason = ''] = /<Message>([^<]*)<\/Message>/.exec(text) ?? [];
    throw this.#fault(name, `${this.#root()} says ${code}${reason && `: ${unescaped(reason)}`}`);
  }

  #fault(name: string, reason: string, cause?: unknown): CoaxError {
    return new CoaxError(this.#options.use.unavailable, reason, { where: `${this.place}/${name}`, cause });
  }
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescaped(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => ENTITIES[name] as string);
}
