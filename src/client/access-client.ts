import type {
  AccountBody,
  AccountList,
  AccountView,
  ConsoleTicket,
  GrantBody,
  ProjectBody,
  ProjectEditBody,
  ProjectList,
  ProjectView,
  RoleList,
  RoleView,
  SessionList,
  TokenBody,
  TokenList,
  TokenMade,
  TokenView,
  WhoamiView,
  WithdrawBody,
} from '../api/access/identity.ts';
import type { ListQuery } from '../api/value.ts';
import type { Transport } from './transport.ts';

/** A project, or `*` for the whole installation; absent: wherever the token may give rights. */
interface Where extends ListQuery {
  readonly project?: string | undefined;
}

/** The operations on projects, tokens, accounts and roles; errors as those of CoaxClient. */
export class AccessClient {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  whoami(): Promise<WhoamiView> {
    return this.#get('/v1/whoami');
  }

  /** A browser comes in with it as whoever this client is, once and within a minute. */
  consoleTicket(): Promise<ConsoleTicket> {
    return this.#post('/v1/console-tickets');
  }

  projects(query: ListQuery = {}): Promise<ProjectList> {
    return this.#get('/v1/projects', { ...query });
  }

  project(name: string): Promise<ProjectView> {
    return this.#get(`/v1/projects/${encodeURIComponent(name)}`);
  }

  createProject(body: ProjectBody): Promise<ProjectView> {
    return this.#post('/v1/projects', body);
  }

  editProject(name: string, body: ProjectEditBody): Promise<ProjectView> {
    return this.#post(`/v1/projects/${encodeURIComponent(name)}/edit`, body);
  }

  removeProject(name: string): Promise<unknown> {
    return this.#post(`/v1/projects/${encodeURIComponent(name)}/remove`);
  }

  /** `all`: those that are no longer good, too. */
  tokens(query: Where & { readonly all?: boolean } = {}): Promise<TokenList> {
    return this.#get('/v1/tokens', { ...query });
  }

  token(name: string): Promise<TokenView> {
    return this.#get(`/v1/tokens/${encodeURIComponent(name)}`);
  }

  /** The text of the token is in this answer and nowhere else. */
  createToken(body: TokenBody): Promise<TokenMade> {
    return this.#post('/v1/tokens', body);
  }

  revokeToken(name: string): Promise<unknown> {
    return this.#post(`/v1/tokens/${encodeURIComponent(name)}/revoke`);
  }

  sessions(query: Where = {}): Promise<SessionList> {
    return this.#get('/v1/sessions', { ...query });
  }

  revokeSession(id: string): Promise<unknown> {
    return this.#post(`/v1/sessions/${encodeURIComponent(id)}/revoke`);
  }

  accounts(query: Where = {}): Promise<AccountList> {
    return this.#get('/v1/accounts', { ...query });
  }

  account(name: string): Promise<AccountView> {
    return this.#get(`/v1/accounts/${encodeURIComponent(name)}`);
  }

  createAccount(body: AccountBody): Promise<AccountView> {
    return this.#post('/v1/accounts', body);
  }

  removeAccount(name: string): Promise<unknown> {
    return this.#post(`/v1/accounts/${encodeURIComponent(name)}/remove`);
  }

  roles(query: Where = {}): Promise<RoleList> {
    return this.#get('/v1/roles', { ...query });
  }

  role(subject: string, project: string): Promise<RoleView> {
    return this.#get('/v1/role', { subject, project });
  }

  grantRole(body: GrantBody): Promise<unknown> {
    return this.#post('/v1/roles/grant', body);
  }

  withdrawRole(body: WithdrawBody): Promise<unknown> {
    return this.#post('/v1/roles/withdraw', body);
  }

  #get<T>(path: string, query: Record<string, string | number | boolean | undefined> = {}): Promise<T> {
    return this.#transport.json({ method: 'GET', path, query });
  }

  #post<T>(path: string, body: unknown = {}): Promise<T> {
    return this.#transport.json({ method: 'POST', path, body });
  }
}
