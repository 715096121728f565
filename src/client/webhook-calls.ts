import type { ListQuery } from '../api/value.ts';
import type {
  DeliveryList,
  RetryAnswer,
  TestAnswer,
  WebhookBody,
  WebhookEdit,
  WebhookList,
  WebhookMade,
  WebhookView,
} from '../api/webhook/webhook.ts';
import type { Transport } from './transport.ts';

/** What can be asked of webhooks. */
export class WebhookCalls {
  readonly #transport: Transport;
  readonly #project: string | undefined;

  constructor(transport: Transport, project: string | undefined) {
    this.#transport = transport;
    this.#project = project;
  }

  list(query: ListQuery = {}): Promise<WebhookList> {
    const asked = { project: this.#project, ...query };
    return this.#transport.json({ method: 'GET', path: '/v1/webhooks', query: asked });
  }

  show(id: string): Promise<WebhookView> {
    return this.#transport.json({ method: 'GET', path: pathOf(id) });
  }

  /** The answer has the secret, which is told once. */
  create(body: WebhookBody): Promise<WebhookMade> {
    const project = this.#project === undefined ? {} : { project: this.#project };
    return this.#post('/v1/webhooks', { ...project, ...body });
  }

  edit(id: string, body: WebhookEdit): Promise<WebhookView> {
    return this.#post(`${pathOf(id)}/edit`, body);
  }

  remove(id: string): Promise<WebhookView> {
    return this.#post(`${pathOf(id)}/remove`);
  }

  rotateSecret(id: string): Promise<WebhookMade> {
    return this.#post(`${pathOf(id)}/rotate-secret`);
  }

  test(id: string): Promise<TestAnswer> {
    return this.#post(`${pathOf(id)}/test`);
  }

  deliveries(id: string, query: ListQuery & { state?: string } = {}): Promise<DeliveryList> {
    return this.#transport.json({ method: 'GET', path: `${pathOf(id)}/deliveries`, query });
  }

  /** Sends dead deliveries once more: one, or all. */
  retry(id: string, delivery?: string): Promise<RetryAnswer> {
    return this.#post(`${pathOf(id)}/retry`, delivery === undefined ? {} : { delivery });
  }

  #post<T>(path: string, body: unknown = {}): Promise<T> {
    return this.#transport.json({ method: 'POST', path, body });
  }
}

const pathOf = (id: string): string => `/v1/webhooks/${encodeURIComponent(id)}`;
