import { isUtf8 } from 'node:buffer';
import { CoaxError } from '../../errors/coax-error.ts';
import type { App } from '../app.ts';
import { isDeeperThan } from '../limits/json-depth.ts';

/**
 * JSON as Fastify reads it, once it is known to be UTF-8 (RFC 8259, 8.1) and not nested too deep. Bytes that are no UTF-8 are refused:
 * read as U+FFFD, what is kept would be another text than the one that was sent.
 */
export function readJson(app: App, depthMax: number): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const bytes = body as Buffer;
    if (!isUtf8(bytes))
      return done(new CoaxError('COAX_MESSAGE_INVALID', 'the body is not UTF-8', { hint: UTF8 }));
    const text = bytes.toString('utf8');
    if (!isDeeperThan(text, depthMax)) return parse(request, text, done);
    done(
      new CoaxError('COAX_MESSAGE_INVALID', `the body is nested deeper than ${depthMax} levels`, {
        hint: DEEP,
      }),
    );
  });
}

const UTF8 = 'Send JSON in UTF-8; bytes of another kind go in as Base64.';
const DEEP = 'Keep large data elsewhere and pass its address.';
