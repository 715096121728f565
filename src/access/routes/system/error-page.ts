import { CoaxError } from '../../../errors/coax-error.ts';
import { CODES, type ErrorCode, KINDS } from '../../../errors/codes.ts';
import type { App } from '../../app.ts';

const HTML = 'text/html; charset=utf-8';
const CONTENT_SECURITY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
const codes = Object.keys(CODES).sort() as ErrorCode[];

/** What the `type` of a problem leads to: a page for people about one code, without a token, since it tells of no message. */
export function errorPages(app: App): void {
  app.get('/errors', { schema: { hide: true } }, (_request, reply) =>
    reply
      .type(HTML)
      .header('content-security-policy', CONTENT_SECURITY)
      .send(
        page(
          'Errors of Coax',
          `<ul>${codes
            .map(code => `<li><a href="/errors/${code}">${code}</a>: ${escaped(CODES[code].about)}</li>`)
            .join('')}</ul>`,
        ),
      ),
  );

  app.get('/errors/:code', { schema: { hide: true } }, (request, reply) => {
    const { code } = request.params as { code: string };
    if (!Object.hasOwn(CODES, code)) {
      throw new CoaxError('COAX_NOT_FOUND', 'there is no error of that name', {
        hint: 'GET /errors lists all.',
      });
    }
    const { about, kind, hint } = CODES[code as ErrorCode];
    const { http, exit, about: ofKind } = KINDS[kind];
    const body = `<p>${escaped(about)}</p>
<dl><dt>What to do</dt><dd>${escaped(hint)}</dd>
<dt>Kind</dt><dd>${kind}: ${escaped(ofKind)}</dd>
<dt>HTTP status</dt><dd>${http}</dd><dt>Exit status of <code>coax</code></dt><dd>${exit}</dd></dl>
<p><a href="/errors">All errors</a></p>`;
    return reply
      .type(HTML)
      .header('content-security-policy', CONTENT_SECURITY)
      .header('cache-control', 'public, max-age=3600')
      .send(page(code, body));
  });
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>body{font:1rem/1.5 system-ui;max-width:44rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
dt{font-weight:600;margin-top:.5rem}dd{margin:0}</style></head>
<body><h1>${title}</h1>${body}</body></html>
`;
}

/** Text of our own table, in which \`code\` is marked by backquotes. */
function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/`([^`]*)`/g, '<code>$1</code>');
}
