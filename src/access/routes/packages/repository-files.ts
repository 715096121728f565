import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  ContentPath,
  MissingAnswer,
  MissingBody,
  RepositoryFilePath,
  RepositoryView,
  StoredAnswer,
} from '../../../api/package/repository.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { MANIFEST_BYTES_MAX } from '../../../package/format/manifest.ts';
import { takeAtMost } from '../../../package/repository/repository-files.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { viewRepository } from './repository.ts';

/** What one signature may name: some hundred thousand versions. */
const TARGETS_BYTES_MAX = 64 * 1024 * 1024;
/** So long a host may take the bytes from the store by the address that it was given. */
const LINK_SECONDS = 3600;
const TOO_LARGE = 'COAX_MESSAGE_TOO_LARGE';
const BYTES = 'application/octet-stream';

/** The files of the repository: taken in from publishers, given out to hosts and to whoever may look. */
export function repositoryFileRoutes(app: App, context: RouteContext): void {
  giveRoute(app, context);
  missingRoute(app, context);
  // Bodies here are bytes, and are read as they come.
  void app.register(async inner => {
    inner.removeAllContentTypeParsers();
    inner.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    inner.addHook('onRoute', route => {
      route.config = { ...route.config, streams: true };
    });
    takeRoutes(inner as unknown as App, context);
  });
}

function giveRoute(app: App, { services: { packages } }: RouteContext): void {
  app.get(
    '/v1/package-repository/files/:kind/:file',
    {
      config: { opens: 'host', needs: 'view', scope: 'installation' },
      schema: {
        operationId: 'repositoryFile',
        tags: ['packages'],
        summary: 'A file of the repository, for whoever verifies it by The Update Framework',
        description:
          '`metadata`: what was signed. `targets`: manifests. `contents`: bytes of files, packed by zstd. Where the store gives addresses of its own, the answer leads there (307).',
        params: RepositoryFilePath,
        response: {
          200: { description: 'The bytes.', content: { [BYTES]: { schema: z.string() } } },
          ...PROBLEMS,
        },
      },
    },
    async ({ params: { kind, file } }, reply) => {
      // The route's type knows JSON answers only.
      const bytes = reply as unknown as FastifyReply;
      if (kind !== 'metadata') {
        const link = await packages.link(kind, file, LINK_SECONDS);
        if (link !== null) return bytes.code(307).header('location', link).send();
      }
      const stream = await packages.files().open(kind, file);
      if (stream === null)
        throw new CoaxError('COAX_NOT_FOUND', `the repository has no ${kind} of that name`, { where: file });
      // What is named by its hash or its version is never another.
      const kept = file === 'timestamp.json' ? 'no-cache' : 'private, max-age=31536000, immutable';
      return bytes.type(BYTES).header('cache-control', kept).send(stream);
    },
  );
}

function missingRoute(app: App, { services: { packages } }: RouteContext): void {
  app.post(
    '/v1/package-repository/missing',
    {
      config: { needs: 'operate', scope: 'installation' },
      schema: {
        operationId: 'missingContents',
        tags: ['packages'],
        summary: 'Which of these contents the repository lacks, so that only those are sent',
        body: MissingBody,
        response: { 200: MissingAnswer, ...PROBLEMS },
      },
    },
    async ({ body: { sha256 } }) => ({ missing: await packages.missing(sha256) }),
  );
}

function takeRoutes(app: App, { services: { packages } }: RouteContext): void {
  app.put(
    '/v1/package-repository/contents/:sha256',
    {
      config: { needs: 'operate', scope: 'installation' },
      schema: {
        operationId: 'putContent',
        tags: ['packages'],
        summary: 'Bring one content; the body is its bytes',
        params: ContentPath,
        response: { 200: StoredAnswer, ...PROBLEMS },
      },
    },
    async request => packages.contents.take(request.params.sha256, bodyOf(request)),
  );

  app.put(
    '/v1/package-repository/manifests',
    {
      config: { needs: 'operate', scope: 'installation' },
      schema: {
        operationId: 'putManifest',
        tags: ['packages'],
        summary: 'Bring a manifest, once all its contents are there; the body is its bytes',
        response: { 200: StoredAnswer, ...PROBLEMS },
      },
    },
    async request => {
      const bytes = await takeAtMost(bodyOf(request), MANIFEST_BYTES_MAX, 'the manifest', TOO_LARGE);
      await packages.contents.takeManifest(bytes, 'the manifest');
      return { bytes: bytes.length };
    },
  );

  app.put(
    '/v1/package-repository/targets',
    {
      config: { needs: 'operate', scope: 'installation' },
      schema: {
        operationId: 'publishTargets',
        tags: ['packages'],
        summary: 'Publish: the body is the next targets metadata, as it was signed',
        description: 'All that it newly names must be stored. Until then nobody sees any of it.',
        response: { 200: RepositoryView, ...PROBLEMS },
      },
    },
    async request => {
      const bytes = await takeAtMost(bodyOf(request), TARGETS_BYTES_MAX, 'the targets', TOO_LARGE);
      return viewRepository(await packages.publish(bytes));
    },
  );
}

/** A request without a body brings no bytes. */
const bodyOf = ({ body }: Pick<FastifyRequest, 'body'>): Readable =>
  body instanceof Readable ? body : Readable.from([]);
