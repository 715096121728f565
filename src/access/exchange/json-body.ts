import { isUtf8 } from 'node:buffer';
import { CoaxError } from '../../errors/coax-error.ts';
import type { App } from '../app.ts';
import { countMembers, membersOf, repeatedName } from '../limits/json-shape.ts';

/**
 * JSON as Fastify reads it, once it is known to be UTF-8 (RFC 8259, 8.1) and not nested too deep. Bytes that are no UTF-8 are refused:
 * read as U+FFFD, what is kept would be another text than the one that was sent. A name that an object has twice is refused too: who
 * reads the first of them, as a proxy may, sees another request than who reads the last (RFC 8259, 4; RFC 7493, 2.3).
 */
export function readJson(app: App, depthMax: number): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const bytes = body as Buffer;
    if (!isUtf8(bytes))
      return done(new CoaxError('COAX_MESSAGE_INVALID', 'the body is not UTF-8', { hint: UTF8 }));
    const text = bytes.toString('utf8');
    const members = countMembers(text, depthMax);
    if (members < 0) {
      const reason = `the body is nested deeper than ${depthMax} levels`;
      return done(new CoaxError('COAX_MESSAGE_INVALID', reason, { hint: DEEP }));
    }
    void parse(request, text, (error, value) => {
      // Of two members with one name the parser keeps the last.
      if (error || membersOf(value) === members) done(error, value);
      else done(repeated(text));
    });
  });
}

const UTF8 = 'Send JSON in UTF-8; bytes of another kind go in as Base64.';
const DEEP = 'Keep large data elsewhere and pass its address.';
const TWICE = 'Give each name once.';

function repeated(text: string): CoaxError {
  const where = repeatedName(text) ?? '';
  const name = where
    .slice(where.lastIndexOf('/') + 1)
    .replaceAll('~1', '/')
    .replaceAll('~0', '~');
  const reason = `the body has two members named ${JSON.stringify(name)} in one object`;
  return new CoaxError('COAX_MESSAGE_INVALID', reason, { where, hint: TWICE });
}
