import { CoaxError } from '../../../errors/coax-error.ts';
import { CODES, type ErrorCode, KINDS } from '../../../errors/codes.ts';
import type { App } from '../../app.ts';
import { escaped, HTML, HTML_POLICY, htmlPage } from '../../html-page.ts';

const codes = Object.keys(CODES).sort() as ErrorCode[];

/** What the `type` of a problem leads to: a page for people about one code, without a token, since it tells of no message. */
export function errorPages(app: App): void {
  app.get('/errors', { schema: { hide: true } }, (_request, reply) =>
    reply
      .type(HTML)
      .header('content-security-policy', HTML_POLICY)
      .send(
        htmlPage(
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
      .header('content-security-policy', HTML_POLICY)
      .header('cache-control', 'public, max-age=3600')
      .send(htmlPage(code, body));
  });
}
