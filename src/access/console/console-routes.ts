import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import serveFiles from '@fastify/static';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CoaxError } from '../../errors/coax-error.ts';
import type { App } from '../app.ts';
import { HTML } from '../html-page.ts';
import { answerError, withStatus } from '../problem.ts';

/** Addresses of the console's pages. All are one document. */
export const CONSOLE_PATHS = [
  '/',
  '/messages',
  '/messages/:msgid',
  '/create',
  '/create/:flow',
  '/hosts',
  '/hosts/:host',
  '/vms',
  '/vms/:vm',
  '/webhooks',
  '/webhooks/:webhook',
  '/packages',
  '/rollouts/:msgid',
  '/enter',
] as const;

/**
 * What the page may do: run our own script and style files, speak to this server. Nothing inline, nothing from elsewhere, in
 * no frame of another page.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const YEAR_MS = 365 * 24 * 60 * 60 * 1000;

const NOT_BUILT = `<!doctype html><html lang="en"><title>Coax</title><body>
<h1>The console is not built</h1>
<p>The server runs and its API answers. Build the pages with <code>npm run build</code> in the checkout, then load this page again.</p>
`;

/**
 * The console: files that were built into `folder`, read-only and open to anyone, for they hold nothing of the installation.
 * Where nothing was built, the page says what to do; it is looked for again at each request until it is there.
 */
export async function consoleRoutes(app: App, folder: string): Promise<void> {
  await app.register(async scope => {
    scope.setErrorHandler((error, request, reply) => answerError(fileError(error, request), request, reply));
    await scope.register(serveFiles, {
      root: join(folder, 'assets'),
      prefix: '/assets/',
      // Names carry the hash of what is in the file: it never changes.
      immutable: true,
      maxAge: YEAR_MS,
      preCompressed: true,
      decorateReply: false,
      index: false,
      dotfiles: 'deny',
      schemaHide: true,
      // Before it is built there is no such folder.
      suppressWarning: true,
    });
  });
  const page = readPage(folder);
  const answer = (request: FastifyRequest, reply: FastifyReply) => {
    const found = page();
    securePage(reply);
    if (found === null) return reply.code(503).type(HTML).send(NOT_BUILT);
    reply.header('etag', found.etag).header('cache-control', 'no-cache');
    if (request.headers['if-none-match'] === found.etag) return reply.code(304).send();
    return reply.type(HTML).send(found.text);
  };
  for (const url of CONSOLE_PATHS)
    app.get(url, { schema: { hide: true }, config: { opens: 'anyone' } }, answer);
  // A person at an address that is none gets the page that says so; a program gets what the API says.
  app.get('/*', { schema: { hide: true }, config: { opens: 'anyone' } }, (request, reply) => {
    const found = isLostReader(request) ? page() : null;
    if (found === null) return reply.callNotFound();
    securePage(reply);
    return reply.code(404).header('cache-control', 'no-cache').type(HTML).send(found.text);
  });
}

/** A browser at an address that is neither a page nor of the API. */
function isLostReader({ url, headers }: FastifyRequest): boolean {
  return (
    /\btext\/html\b/.test(headers.accept ?? '') && !/^\/(v1|auth|errors|cgi-bin|assets)(\/|$|\?)/.test(url)
  );
}

/** What those who send files refuse: whatever names no file of ours is not there, however it is written. */
function fileError(thrown: unknown, { url }: FastifyRequest): unknown {
  const { statusCode = 500 } = thrown as { statusCode?: number };
  if (statusCode === 416)
    return withStatus(
      new CoaxError('COAX_MESSAGE_INVALID', 'the file has no such bytes', { where: 'Range' }),
      416,
    );
  if (statusCode === 412)
    return new CoaxError('COAX_CHANGED', 'the file is another one', { where: 'If-Match' });
  if (statusCode >= 500) return thrown;
  return new CoaxError('COAX_NOT_FOUND', `there is no file ${url.split('?')[0]}`, {
    hint: 'The console at / names the files that it is made of.',
  });
}

function securePage(reply: FastifyReply): void {
  reply.headers({
    'content-security-policy': POLICY,
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  });
}

interface Page {
  readonly text: string;
  readonly etag: string;
}

/** The document, read when its file is another than it was; null as long as there is none. */
function readPage(folder: string): () => Page | null {
  const file = join(folder, 'index.html');
  let page: Page | null = null;
  let written = 0;
  return () => {
    try {
      const { mtimeMs } = statSync(file);
      if (page !== null && mtimeMs === written) return page;
      written = mtimeMs;
      const text = readFileSync(file, 'utf8');
      page = { text, etag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"` };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      page = null;
    }
    return page;
  };
}
