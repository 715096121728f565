import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CODES, KINDS } from '../../src/errors/codes.ts';
import { pageText } from './page.ts';

export const ERRORS_PAGE = fileURLToPath(new URL('../../docs/reference/errors.md', import.meta.url));

/** The reference page of errors, made from the one table of codes. */
export function errorsPage(): string {
  const kinds = Object.entries(KINDS).map(
    ([kind, { http, exit, about }]) => `| ${kind} | ${http} | ${exit} | ${about} |`,
  );
  const codes = Object.entries(CODES)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { kind, about, hint }]) => {
      const { http, exit } = KINDS[kind];
      return `### ${code}\n\n${about}\n\nKind \`${kind}\`, HTTP ${http}, exit status ${exit}. **What to do:** ${hint}`;
    });
  return pageText(
    '# Errors',
    'Made from the one table of errors, `src/errors/codes.ts`.',
    'Every error has a code that never changes its meaning. Over HTTP it is problem+json (RFC 9457) whose `type` is `/errors/CODE`; the command line prints what was wrong, where, and what to do, and leaves with the exit status of its kind.',
    '## Kinds',
    ['| kind | HTTP | exit status | |', '| --- | --- | --- | --- |', ...kinds].join('\n'),
    '## Codes',
    ...codes,
  );
}

if (import.meta.main) writeFileSync(ERRORS_PAGE, errorsPage());
