import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import type {
  DeliveryList,
  DeliveryView,
  RetryAnswer,
  WebhookBody,
  WebhookEdit,
  WebhookList,
  WebhookMade,
  WebhookView,
} from '../../../src/api/webhook/webhook.ts';
import { cache } from './cache.ts';
import { call, get, post, send } from './request.ts';

const PAGE = 100;

const pathOf = (id: string): string => `/v1/webhooks/${encodeURIComponent(id)}`;

/** Every webhook that the person may see, oldest first. */
export function useWebhooks() {
  return useQuery({
    queryKey: ['webhooks'],
    queryFn: ({ signal }) => get<WebhookList>('/v1/webhooks', {}, signal),
  });
}

/** A webhook as it was read; `version` is for a change of just that. */
export interface WebhookRead {
  readonly webhook: WebhookView;
  readonly version: string;
}

export function useWebhook(id: string) {
  return useQuery({
    queryKey: ['webhooks', id],
    queryFn: async ({ signal }): Promise<WebhookRead> => {
      const answer = await send('GET', pathOf(id), { signal });
      return {
        webhook: (await answer.json()) as WebhookView,
        version: answer.headers.get('etag') ?? '*',
      };
    },
  });
}

/** What was sent, what waits and what was given up, newest first; page by page. */
export function useDeliveries(id: string, state: DeliveryView['state'] | null) {
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery({
    queryKey: ['webhooks', id, 'deliveries', state],
    queryFn: ({ pageParam, signal }) =>
      get<DeliveryList>(
        `${pathOf(id)}/deliveries`,
        { limit: PAGE, cursor: pageParam, ...(state !== null && { state }) },
        signal,
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: page => page.next,
  });
  return {
    rows: data?.pages.flatMap(({ items }) => items),
    error,
    refetch,
    more: hasNextPage && !isFetchingNextPage ? () => void fetchNextPage() : null,
  };
}

/** Of all that follows: errors are RequestError, and what is shown is read anew. */
async function changing<Answer>(work: Promise<Answer>): Promise<Answer> {
  try {
    return await work;
  } finally {
    void cache.invalidateQueries({ queryKey: ['webhooks'] });
  }
}

/** The answer has the secret, which is told once. */
export const createWebhook = (body: WebhookBody): Promise<WebhookMade> =>
  changing(post<WebhookMade>('/v1/webhooks', body));

/** Errors: RequestError; its problem's status is 412 when the webhook is not what was read any more. */
export const editWebhook = (
  { webhook: { id }, version }: WebhookRead,
  changes: WebhookEdit,
): Promise<WebhookView> =>
  changing(
    call<WebhookView>('POST', `${pathOf(id)}/edit`, { body: changes, headers: { 'if-match': version } }),
  );

export async function removeWebhook(id: string): Promise<void> {
  await post<WebhookView>(`${pathOf(id)}/remove`, {});
  // What is gone must not be asked for again by who still looks at it.
  cache.removeQueries({ queryKey: ['webhooks', id] });
  void cache.invalidateQueries({ queryKey: ['webhooks'], exact: true });
}

/** The answer has the new secret, which is told once. */
export const rotateWebhookSecret = (id: string): Promise<WebhookMade> =>
  changing(post<WebhookMade>(`${pathOf(id)}/rotate-secret`, {}));

export const testWebhook = (id: string): Promise<unknown> => changing(post(`${pathOf(id)}/test`, {}));

/** Sends what was given up once more: one delivery, or all. */
export const retryDeliveries = (id: string, delivery?: string): Promise<RetryAnswer> =>
  changing(post<RetryAnswer>(`${pathOf(id)}/retry`, delivery === undefined ? {} : { delivery }));
