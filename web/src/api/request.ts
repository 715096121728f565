import type { Problem } from '../../../src/api/problem.ts';
import { heardUnauthorized } from './session.ts';

/** What the server refused, or null when it did not answer at all. */
export class RequestError extends Error {
  readonly problem: Problem | null;

  constructor(message: string, problem: Problem | null) {
    super(message);
    this.name = 'RequestError';
    this.problem = problem;
  }
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface RequestOptions {
  readonly query?: Query;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Reads from the API. Errors: RequestError. */
export function get<Answer>(path: string, query?: Query, signal?: AbortSignal): Promise<Answer> {
  return call<Answer>('GET', path, { ...(query && { query }), ...(signal && { signal }) });
}

/** Changes something through the API; a key makes it safe to repeat. Errors: RequestError. */
export function post<Answer>(path: string, body: unknown, key?: string): Promise<Answer> {
  return call<Answer>('POST', path, { body, ...(key && { headers: { 'idempotency-key': key } }) });
}

/** One request with the session of this browser. Errors: RequestError. */
export async function call<Answer>(method: string, path: string, options: RequestOptions): Promise<Answer> {
  const answer = await send(method, path, options);
  if (answer.status === 204) return undefined as Answer;
  return (await answer.json()) as Answer;
}

/** The answer as it comes, when it is no refusal. Errors: RequestError. */
export async function send(method: string, path: string, options: RequestOptions): Promise<Response> {
  const { query, body, headers, signal } = options;
  let answer: Response;
  try {
    answer = await fetch(path + queryText(query), {
      method,
      credentials: 'same-origin',
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new RequestError((error as Error).message, null);
  }
  if (answer.ok) return answer;
  const problem = await problemOf(answer);
  if (answer.status === 401) heardUnauthorized();
  throw new RequestError(problem?.detail ?? `${answer.status} ${answer.statusText}`, problem);
}

function queryText(query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  return given.length === 0
    ? ''
    : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

/** A proxy in between may answer with something else than a problem. */
async function problemOf(answer: Response): Promise<Problem | null> {
  if (!answer.headers.get('content-type')?.includes('json')) return null;
  return (await answer.json().catch(() => null)) as Problem | null;
}
