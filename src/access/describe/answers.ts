import { PROBLEM_TYPE } from '../../api/problem.ts';
import { ANSWER_HEADERS } from './headers.ts';

type Member = Record<string, unknown>;

/** Why a request is refused, by status: the shared answers of the document. */
const REFUSALS: Readonly<Record<string, { name: string; description: string; retry?: boolean }>> = {
  400: { name: 'Invalid', description: 'The request has not the right form; `faults` names each place.' },
  401: { name: 'Unauthenticated', description: 'No token, or one that is not known.' },
  403: { name: 'Forbidden', description: 'The token may not do this.' },
  404: { name: 'NotFound', description: 'There is nothing of that name.' },
  409: { name: 'Conflict', description: 'What is there does not allow this, or the key was used before.' },
  412: { name: 'Changed', description: 'It is no longer as `If-Match` says.' },
  413: { name: 'TooLarge', description: 'The body, or something in it, is over a limit.' },
  415: { name: 'MediaType', description: 'The body is not JSON.' },
  429: { name: 'TooMany', description: 'Too much at once; try again later.', retry: true },
  500: { name: 'Defect', description: 'A defect of Coax, or damaged data.' },
  503: { name: 'Unavailable', description: 'Cannot be done now; try again later.', retry: true },
};

const ANSWERS: Readonly<Record<string, string>> = {
  200: 'As asked.',
  201: 'Made.',
  202: 'Durable; what follows from it goes on.',
  204: 'Done; there is nothing to show.',
};

interface Operation {
  parameters?: { in?: string; $ref?: string }[];
  requestBody?: unknown;
  security?: unknown[];
  responses: Record<string, Member>;
}

/** The refusals of an operation, each status by itself, and the headers of its answers. */
export function describeAnswers(method: string, operation: Operation, heeded: readonly string[]): void {
  const { responses } = operation;
  const refused = 'default' in responses;
  // Statuses in the document's order; what is not foreseen is a problem all the same.
  const { default: other, ...known } = responses;
  operation.responses = known;
  for (const [status, answer] of Object.entries(known)) {
    if (answer.description === 'Default Response') answer.description = ANSWERS[status] ?? 'The answer.';
    answer.headers = headersOf(status, method, answer);
  }
  if (heeded.includes('IfNoneMatch')) known[304] = { description: 'Nothing has changed.' };
  if (refused) {
    for (const status of statusesOf(method, operation, heeded))
      known[status] ??= { $ref: `#/components/responses/${REFUSALS[status]?.name}` };
    known.default = other as Member;
  }
}

function statusesOf(method: string, operation: Operation, heeded: readonly string[]): string[] {
  const named = (operation.parameters ?? []).some(({ in: place }) => place === 'path' || place === 'query');
  const open = operation.security !== undefined && operation.security.length === 0;
  const changes = method !== 'GET';
  return [
    '400',
    // Who has no token yet proves who it is in another way.
    ...(open && !changes ? [] : ['401', '403']),
    ...(named || operation.requestBody !== undefined ? ['404'] : []),
    ...(changes ? ['409'] : []),
    ...(heeded.includes('IfMatch') ? ['412'] : []),
    // Also where none is asked for: one that comes all the same is read.
    ...(changes ? ['413', '415'] : []),
    '429',
    '500',
    '503',
  ];
}

function headersOf(status: string, method: string, answer: Member): Member {
  const content = (answer.content ?? {}) as Record<string, { schema?: { $ref?: string } }>;
  const json = content['application/json'];
  const of = (name: string, key: string) => ({ [key]: { $ref: `#/components/headers/${name}` } });
  return {
    ...of('XRequestId', 'X-Request-Id'),
    ...(method === 'GET' && json !== undefined && of('ETag', 'ETag')),
    ...(status === '202' && of('Location', 'Location')),
    ...(isPage(json?.schema) && of('Link', 'Link')),
  };
}

const isPage = (schema: { $ref?: string } | undefined): boolean =>
  /(Page|List|Blame)$/.test(schema?.$ref ?? '');

/** `components.responses` and `components.headers`. */
export function sharedAnswers(): { responses: Member; headers: Member } {
  const responses = Object.values(REFUSALS).map(({ name, description, retry }) => [
    name,
    {
      description,
      headers: {
        'X-Request-Id': { $ref: '#/components/headers/XRequestId' },
        ...(retry && { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } }),
      },
      content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  ]);
  return { responses: Object.fromEntries(responses), headers: { ...ANSWER_HEADERS } };
}
