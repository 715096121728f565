import { resolve } from 'node:path';
import { CoaxError } from '../errors/coax-error.ts';
import { FolderStore } from './folder-store.ts';
import type { ObjectStore, ObjectUse } from './object-store.ts';
import { S3Store } from './s3-store.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The object store of a place: a folder, or `s3://bucket/prefix` at COAX_S3_ENDPOINT (else Amazon's of AWS_REGION) with
 * AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. COAX_USAGE when the place or the environment is not complete.
 */
export function openPlace(place: string, env: Environment, use: ObjectUse): ObjectStore {
  if (!/^[a-z0-9]+:\/\//.test(place)) return new FolderStore(resolve(place), use);
  const parts = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,62})(?:\/([^?#]*))?$/.exec(place);
  if (parts === null)
    throw new CoaxError('COAX_USAGE', `that is no place for ${use.what}`, {
      where: place,
      hint: 'A folder, or s3://bucket/prefix.',
    });
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, COAX_S3_ENDPOINT } = env;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY)
    throw new CoaxError('COAX_USAGE', 'the keys of the bucket are not known', {
      where: place,
      hint: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for the server; COAX_S3_ENDPOINT names the store.',
    });
  const region = AWS_REGION || 'us-east-1';
  const [, bucket = '', prefix = ''] = parts;
  return new S3Store({
    use,
    bucket,
    prefix: prefix === '' ? '' : `${prefix.replace(/\/+$/, '')}/`,
    endpoint: COAX_S3_ENDPOINT || `https://s3.${region}.amazonaws.com`,
    region,
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
  });
}
