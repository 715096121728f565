import { z } from 'zod';
import { pageOf, Time } from '../value.ts';

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'give a SHA-256, 64 hex digits');
const PackageNameText = z.string().min(1).max(63);
const VersionText = z.string().min(1).max(128);

export const PublishedView = z
  .object({
    name: PackageNameText,
    version: VersionText,
    architecture: z.string(),
    about: z.string(),
    dependencies: z.record(z.string(), z.string()).meta({ description: 'Names, and ranges of versions.' }),
    files: z.int(),
    bytes: z.int().meta({ description: 'Bytes of all its files.' }),
    sha256: Sha256.meta({ description: 'SHA-256 of its manifest: the identity of the package.' }),
    published: Time,
  })
  .meta({ id: 'PublishedPackage', description: 'One version of a host package, as it was signed.' });
export type PublishedView = z.infer<typeof PublishedView>;
export const PublishedList = pageOf(PublishedView, 'PublishedPackageList');
export type PublishedList = z.infer<typeof PublishedList>;

const ManifestView = z
  .looseObject({ name: z.string(), version: z.string() })
  .meta({ description: 'The manifest: files with their hashes and modes, health check, hooks.' });
export const PublishedShow = PublishedView.extend({ manifest: ManifestView }).meta({
  id: 'PublishedPackageShow',
  description: 'One version of a host package, with its manifest.',
});
export type PublishedShow = z.infer<typeof PublishedShow>;

export const KeyView = z
  .object({
    id: Sha256.meta({ description: 'SHA-256 of the key as The Update Framework writes it.' }),
    public: z.string().meta({ description: 'An Ed25519 key (RFC 8032), 64 hex digits.' }),
  })
  .meta({ id: 'RepositoryKey', description: 'The public half of a key that signs for the repository.' });
export type KeyView = z.infer<typeof KeyView>;

export const OnlineKeyAsked = z
  .strictObject({
    next: z
      .boolean()
      .default(false)
      .meta({ description: 'The key that is to follow, which signs once a root names it.' }),
  })
  .meta({ id: 'OnlineKeyAsked' });

const role = { version: z.int(), expires: Time };
const signers = {
  threshold: z.int().meta({ description: 'So many of the keys must sign.' }),
  keys: z.array(KeyView),
};
export const RepositoryView = z
  .object({
    place: z.string().meta({ description: 'Where its files lie: a folder, or s3://bucket/prefix.' }),
    root: z.object({ ...role, ...signers }),
    targets: z.object({ ...role, ...signers }),
    snapshot: z.object(role),
    timestamp: z.object(role),
    online: KeyView.extend({
      algorithm: z.literal('ed25519').meta({ description: 'Of its signatures (RFC 8032).' }),
      since: Time.meta({ description: 'When it was made, or came in the place of another.' }),
      until: Time.meta({
        description: 'When the first of what it has signed expires; the server signs anew before that.',
      }),
    })
      .nullable()
      .meta({
        id: 'RepositoryOnlineKey',
        description: "The server's own key, which signs snapshot and timestamp.",
      }),
    packages: z.int().meta({ description: 'Versions of packages.' }),
  })
  .meta({
    id: 'Repository',
    description: 'The repository of host packages: who may sign, and until when it holds.',
  });
export type RepositoryView = z.infer<typeof RepositoryView>;

const SignedText = z
  .string()
  .min(2)
  .max(1024 * 1024)
  .meta({ description: 'Metadata of The Update Framework, as it was signed: JSON as text.' });
export const RepositoryInit = z
  .strictObject({ root: SignedText, targets: SignedText })
  .meta({ id: 'RepositoryInit' });
export const RepositoryRotate = z
  .strictObject({ root: SignedText, targets: SignedText.optional() })
  .meta({ id: 'RepositoryRotate' });

const HOUR_MS = 3_600_000;
export const CollectAsked = z
  .strictObject({
    graceMs: z
      .int()
      .min(HOUR_MS)
      .default(7 * 24 * HOUR_MS)
      .meta({ description: 'What nothing has named for so long is deleted; a week if absent.' }),
    dryRun: z.boolean().default(false).meta({ description: 'Only say what would be deleted.' }),
  })
  .meta({ id: 'CollectAsked' });
export const CollectAnswer = z
  .object({
    needed: z.int().meta({ description: 'Files that published packages need.' }),
    waiting: z.int().meta({ description: 'Files that nothing names, and whose time is not over.' }),
    removed: z.array(z.string()).meta({ description: 'Files that were deleted, or would be.' }),
    next: Time.nullable().meta({ description: 'When the first of those that wait may go.' }),
  })
  .meta({
    id: 'RepositoryCollected',
    description: 'What was deleted of the repository, and what waits for it.',
  });
export type CollectAnswer = z.infer<typeof CollectAnswer>;

export const MissingBody = z
  .strictObject({ sha256: z.array(Sha256).max(10_000) })
  .meta({ id: 'ContentsAsked' });
export const MissingAnswer = z
  .object({ missing: z.array(Sha256) })
  .meta({ id: 'ContentsMissing', description: 'Those of the contents asked for that are not stored.' });
export type MissingAnswer = z.infer<typeof MissingAnswer>;
export const StoredAnswer = z
  .object({ bytes: z.int() })
  .meta({ id: 'ContentStored', description: 'How many bytes came.' });
export type StoredAnswer = z.infer<typeof StoredAnswer>;

export const ContentPath = z.object({ sha256: Sha256.meta({ description: 'SHA-256 of the bytes.' }) });
export const PublishedPath = z.object({
  name: PackageNameText.meta({ description: 'Name of a package.' }),
  version: VersionText.meta({ description: 'One of its versions.' }),
});
export const RepositoryFilePath = z.object({
  kind: z.enum(['metadata', 'targets', 'contents']).meta({ description: 'What kind of file.' }),
  file: z
    .string()
    .regex(/^[A-Za-z0-9@._-]{1,255}$/, 'give the name of a file of the repository')
    .meta({ description: 'Its name, such as timestamp.json.' }),
});
