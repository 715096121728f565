import { randomUUID } from 'node:crypto';
import type { WebSocket } from 'ws';
import type { JoinTokenBody, JoinTokenList, JoinTokenView, RevokeAnswer } from '../api/agent.ts';
import type { ArchiveBody, ArchiveReportView } from '../api/archive.ts';
import type {
  PlanAnswer,
  PlanBody,
  PolicyList,
  RebalanceAnswer,
  RebalanceBody,
  ReservationList,
} from '../api/cloud/placement.ts';
import type { QuotaBody, QuotaView } from '../api/cloud/quota.ts';
import type { BlameList, CommitPage, CommitShow, CommitsQuery, DiffView, ForkBody } from '../api/commit.ts';
import type { EventPage } from '../api/event.ts';
import type { FlowList, FlowShow, LintAnswer, LintBody } from '../api/flow.ts';
import type { FsckReportView } from '../api/fsck.ts';
import type { FleetMapView, HostList, HostShow } from '../api/host.ts';
import type {
  ApproveBody,
  CancelBody,
  Counts,
  DecideManyAnswer,
  DecideManyBody,
  MessagePage,
  MessagesQuery,
  MessageView,
  ResolveBody,
  RevertBody,
  RewindBody,
  SubmitAnswer,
  SubmitFlow,
  SubmitOne,
  SubmitPlan,
  WhyView,
} from '../api/message.ts';
import type { NetworkList, NetworkView } from '../api/network.ts';
import type { SecretKeyList } from '../api/secret/secret-key.ts';
import type { ActionList } from '../api/step.ts';
import type { CgiList, DoctorView, ReadyView, WorkerList } from '../api/system.ts';
import type { LabelledListQuery, ListQuery } from '../api/value.ts';
import type {
  ConsoleView,
  SerialTicket,
  VmList,
  VmRemoveBody,
  VmsQuery,
  VmsUseQuery,
  VmUseHistory,
  VmUseList,
  VmView,
} from '../api/vm.ts';
import { type Trace, traceHeaders } from '../message/carried/trace.ts';
import { DEFAULT_PROJECT } from '../message/limits.ts';
import { AccessClient } from './access-client.ts';
import { type EventsOptions, followEvents, type StreamEvent } from './event-stream.ts';
import { PackageCalls } from './package-calls.ts';
import { type ClientOptions, Transport } from './transport.ts';
import { type WaitOptions, waitFor } from './wait-for.ts';
import { WebhookCalls } from './webhook-calls.ts';

export type { EventsOptions, StreamEvent } from './event-stream.ts';
export type { ClientOptions } from './transport.ts';
export { isRestingStatus, type WaitOptions } from './wait-for.ts';

export interface SubmitOptions {
  /** Idempotency key. `submit` makes one of its own, so that a lost answer never makes a second message. */
  readonly key?: string;
  /** Lets the server hold its answer until the message rests. */
  readonly waitMs?: number;
  /** The trace that the message is to carry. */
  readonly trace?: Trace | null;
  readonly signal?: AbortSignal;
}

/**
 * Every operation of the HTTP API, typed. Errors are CoaxErrors with the code, reason, place, hint and exit status that
 * the server gave; COAX_SERVER_UNREACHABLE when none answers.
 */
export class CoaxClient {
  readonly transport: Transport;
  /** Who may do what. */
  readonly access: AccessClient;
  /** Goes with every submission and list that names none; undefined: the server's choice, and all that the token may see. */
  readonly project: string | undefined;
  readonly webhooks: WebhookCalls;
  /** Host packages and their repository. */
  readonly packages: PackageCalls;

  constructor(options: ClientOptions) {
    this.transport = new Transport(options);
    this.project = options.project;
    this.access = new AccessClient(this.transport);
    this.webhooks = new WebhookCalls(this.transport, options.project);
    this.packages = new PackageCalls(this.transport);
  }

  /** The server that is asked now. */
  get url(): string {
    return this.transport.url;
  }

  // --- messages -----------------------------------------------------------------------------------------------------
  /** Durable when it resolves. */
  submit(one: SubmitFlow | SubmitPlan, options: SubmitOptions = {}): Promise<MessageView> {
    const key = options.key ?? one.key ?? randomUUID();
    const { key: _, ...body } = this.#owned(one);
    return this.transport.json({
      method: 'POST',
      path: '/v1/messages',
      body,
      headers: { 'idempotency-key': key, ...prefer(options.waitMs), ...traceHeaders(options.trace ?? null) },
      signal: options.signal,
      idleMs: 0,
    });
  }

  /** All or none are accepted, unless one meets an idempotency key of another body: then its item is an error. */
  submitMany(many: readonly SubmitOne[], options: Omit<SubmitOptions, 'waitMs'> = {}): Promise<SubmitAnswer> {
    const headers: Record<string, string> = {
      ...(options.key !== undefined && { 'idempotency-key': options.key }),
      ...traceHeaders(options.trace ?? null),
    };
    return this.transport.json({
      method: 'POST',
      path: '/v1/messages',
      body: many.map(one => this.#owned(one)),
      headers,
      signal: options.signal,
    });
  }

  messages(query: MessagesQuery = {}): Promise<MessagePage> {
    return this.#get('/v1/messages', { project: this.project, ...query });
  }

  message(msgid: number, options: { waitMs?: number; signal?: AbortSignal } = {}): Promise<MessageView> {
    const wait = options.waitMs ? Math.ceil(options.waitMs / 1000) : undefined;
    return this.transport.json({
      method: 'GET',
      path: `/v1/messages/${msgid}`,
      query: { wait },
      signal: options.signal,
      idleMs: 0,
    });
  }

  counts(): Promise<Counts> {
    return this.#get('/v1/counts', { project: this.project });
  }

  cancel(msgid: number, body: CancelBody = {}): Promise<MessageView> {
    return this.#post(`/v1/messages/${msgid}/cancel`, body);
  }

  /** Decides about many messages at once, or tells what would be done. */
  decideMany(body: DecideManyBody): Promise<DecideManyAnswer> {
    return this.#post('/v1/decisions', { ...(this.project && { project: this.project }), ...body });
  }

  /** Approves or rejects what waits for a person: the message, or the first one beneath it. */
  approve(msgid: number, body: ApproveBody = {}): Promise<MessageView> {
    return this.#post(`/v1/messages/${msgid}/approve`, body);
  }

  revert(msgid: number, body: RevertBody = {}): Promise<MessageView> {
    return this.#post(`/v1/messages/${msgid}/revert`, body);
  }

  rewind(msgid: number, body: RewindBody): Promise<MessageView> {
    return this.#post(`/v1/messages/${msgid}/rewind`, body);
  }

  resolve(msgid: number, body: ResolveBody): Promise<MessageView> {
    return this.#post(`/v1/messages/${msgid}/resolve`, body);
  }

  why(msgid: number): Promise<WhyView> {
    return this.#get(`/v1/messages/${msgid}/why`);
  }

  // --- ledger -------------------------------------------------------------------------------------------------------
  commits(msgid: number, query: CommitsQuery = {}): Promise<CommitPage> {
    return this.#get(`/v1/messages/${msgid}/commits`, { ...query });
  }

  blame(msgid: number, name?: string, query: ListQuery = {}): Promise<BlameList> {
    return this.#get(`/v1/messages/${msgid}/blame`, { name, ...query });
  }

  commit(prefix: string): Promise<CommitShow> {
    return this.#get(`/v1/commits/${encodeURIComponent(prefix)}`);
  }

  fork(prefix: string, body: ForkBody = {}): Promise<MessageView> {
    return this.#post(`/v1/commits/${encodeURIComponent(prefix)}/fork`, body);
  }

  /** `a` and `b`: first digits of commit ids, or msgids. */
  diff(a: string | number, b: string | number): Promise<DiffView> {
    return this.#get('/v1/diff', { a: String(a), b: String(b) });
  }

  fsck(): Promise<FsckReportView> {
    return this.#post('/v1/fsck', undefined, 0);
  }

  archive(body: ArchiveBody): Promise<ArchiveReportView> {
    return this.#post('/v1/archive', body, 0);
  }

  /** The ledger as a stream for `git fast-import`. */
  async *exportGit(signal?: AbortSignal): AsyncGenerator<Buffer> {
    const query = { project: this.project };
    const answer = await this.transport.send({ method: 'GET', path: '/v1/export', query, signal, idleMs: 0 });
    try {
      for await (const chunk of answer) yield chunk as Buffer;
    } finally {
      answer.destroy();
    }
  }

  // --- flows and steps ----------------------------------------------------------------------------------------------
  flows(query: ListQuery = {}): Promise<FlowList> {
    return this.#get('/v1/flows', { ...query });
  }

  flow(name: string): Promise<FlowShow> {
    return this.#get(`/v1/flows/${encodeURIComponent(name)}`);
  }

  /** Where the VMs of a flow would land; nothing is written. */
  plan(flow: string, body: PlanBody = {}): Promise<PlanAnswer> {
    return this.#post(`/v1/flows/${encodeURIComponent(flow)}/plan`, body, 0);
  }

  policies(query: ListQuery = {}): Promise<PolicyList> {
    return this.#get('/v1/policies', { ...query });
  }

  /** Which moves would free how many hosts; nothing is written. */
  planRebalance(body: RebalanceBody = {}): Promise<RebalanceAnswer> {
    return this.#post('/v1/rebalance-plan', body, 0);
  }

  /** Of that project, else of the client's own, else of `default`. */
  quota(project = this.project ?? DEFAULT_PROJECT): Promise<QuotaView> {
    return this.#get(`/v1/projects/${encodeURIComponent(project)}/quota`);
  }

  setQuota(project: string, limits: QuotaBody): Promise<QuotaView> {
    return this.#post(`/v1/projects/${encodeURIComponent(project)}/quota`, limits);
  }

  reservations(query: ListQuery = {}): Promise<ReservationList> {
    return this.#get('/v1/reservations', { project: this.project, ...query });
  }

  lint(body: LintBody): Promise<LintAnswer> {
    return this.#post('/v1/lint', body);
  }

  steps(query: ListQuery = {}): Promise<ActionList> {
    return this.#get('/v1/steps', { ...query });
  }

  cgiScripts(query: ListQuery = {}): Promise<CgiList> {
    return this.#get('/v1/cgi', { ...query });
  }

  // --- the cloud ----------------------------------------------------------------------------------------------------
  /** In the order of their names; all when there is no limit. */
  hosts(query: LabelledListQuery = {}): Promise<HostList> {
    return this.#get('/v1/hosts', { ...query });
  }

  /** One host, with everything that is claimed of it. */
  host(name: string): Promise<HostShow> {
    return this.#get(`/v1/hosts/${encodeURIComponent(name)}`);
  }

  /** Every host in few bytes. */
  fleetMap(): Promise<FleetMapView> {
    return this.#get('/v1/fleet-map');
  }

  /** A token by which a host joins, with the command to paste there. */
  joinToken(body: JoinTokenBody = {}): Promise<JoinTokenView> {
    return this.#post('/v1/join-tokens', body);
  }

  /** Those that a host can join by; with `all` also those that were used or have expired. */
  joinTokens(query: ListQuery & { all?: boolean } = {}): Promise<JoinTokenList> {
    return this.#get('/v1/join-tokens', { ...query });
  }

  async revokeJoinToken(id: string): Promise<void> {
    await this.#post(`/v1/join-tokens/${encodeURIComponent(id)}/revoke`);
  }

  /** The host's key opens nothing any more. */
  revokeAgent(host: string): Promise<RevokeAnswer> {
    return this.#post(`/v1/agents/${encodeURIComponent(host)}/revoke`);
  }

  networks(query: ListQuery = {}): Promise<NetworkList> {
    return this.#get('/v1/networks', { ...query });
  }

  network(name: string): Promise<NetworkView> {
    return this.#get(`/v1/networks/${encodeURIComponent(name)}`);
  }

  /** In the order of their names; all when there is no limit. */
  vms(query: VmsQuery = {}): Promise<VmList> {
    return this.#get('/v1/vms', { project: this.project, ...query });
  }

  /** By name or by the first digits of its uuid. */
  vm(name: string): Promise<VmView> {
    return this.#get(`/v1/vms/${encodeURIComponent(name)}`);
  }

  /** What VMs use of their hosts now: all, or those of one host. */
  vmsUse(query: VmsUseQuery = {}): Promise<VmUseList> {
    return this.#get('/v1/vm-use', { project: this.project, ...query });
  }

  /** What a VM uses now, and used in the last hour. */
  vmUse(name: string): Promise<VmUseHistory> {
    return this.#get(`/v1/vms/${encodeURIComponent(name)}/use`);
  }

  /** Reverts the message that made the VM. */
  removeVm(name: string, body: VmRemoveBody = {}): Promise<MessageView> {
    return this.#post(`/v1/vms/${encodeURIComponent(name)}/remove`, body);
  }

  console(name: string, bytes?: number): Promise<ConsoleView> {
    return this.#get(`/v1/vms/${encodeURIComponent(name)}/console`, { bytes });
  }

  /**
   * The VM's serial line: binary frames are its bytes, both ways; text frames are JSON of what the server tells. `scrollback`:
   * so many bytes of what it showed last come first.
   */
  async serial(name: string, options: { scrollback?: number; readonly?: boolean } = {}): Promise<WebSocket> {
    const { scrollback = 0, readonly = false } = options;
    const path = `/v1/vms/${encodeURIComponent(name)}/serial`;
    const { protocol } = await this.#post<SerialTicket>(`${path}-ticket`, { readonly });
    const protocols = ['coax.serial', protocol];
    const socket = await this.transport.webSocket(`${path}?scrollback=${scrollback}`, protocols);
    socket.binaryType = 'arraybuffer';
    return socket;
  }

  // --- the server ---------------------------------------------------------------------------------------------------
  workers(query: ListQuery = {}): Promise<WorkerList> {
    return this.#get('/v1/workers', { ...query });
  }

  doctor(): Promise<DoctorView> {
    return this.#get('/v1/doctor');
  }

  secretKeys(query: ListQuery = {}): Promise<SecretKeyList> {
    return this.#get('/v1/secret-keys', { ...query });
  }

  /** Makes a new key: new secrets are sealed with it. */
  rotateSecretKey(): Promise<SecretKeyList> {
    return this.#post('/v1/secret-keys/rotate');
  }

  /** Has all that was ever sealed come under the newest key. */
  resealSecretKey(): Promise<SecretKeyList> {
    return this.#post('/v1/secret-keys/reseal');
  }

  /** Forgets a key for good. */
  dropSecretKey(id: string): Promise<SecretKeyList> {
    return this.#post(`/v1/secret-keys/${encodeURIComponent(id)}/drop`);
  }

  ready(signal?: AbortSignal): Promise<ReadyView> {
    return this.transport.json({ method: 'GET', path: '/readyz', signal });
  }

  // --- following ----------------------------------------------------------------------------------------------------
  /** What happens, as it becomes durable; connects again by itself. */
  events(options: EventsOptions = {}): AsyncGenerator<StreamEvent> {
    return followEvents(this.transport, { project: this.project, ...options });
  }

  /** One answer of events, as JSON: what came after `after`, or the first that comes within `waitMs`. */
  pollEvents(
    query: { after?: string; waitMs?: number; msgid?: number; project?: string } = {},
  ): Promise<EventPage> {
    const { waitMs = 0, ...rest } = query;
    const path = '/v1/events';
    const asked = { project: this.project, ...rest, wait: waitMs / 1000 };
    return this.transport.json({ method: 'GET', path, query: asked, idleMs: 0 });
  }

  /** Waits until the message is done, rolled back or parked. */
  waitFor(msgid: number, options: WaitOptions = {}): Promise<MessageView> {
    return waitFor(this.transport, msgid, options);
  }

  /** Any request, for what has no method here. `path` may have a query. */
  raw(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
    return this.transport.json({ method, path, ...(body !== undefined && { body }) });
  }

  close(): void {
    this.transport.close();
  }

  #owned<One extends SubmitOne>(one: One): One {
    return this.project === undefined ? one : { project: this.project, ...one };
  }

  #get<T>(path: string, query: Record<string, string | number | boolean | undefined> = {}): Promise<T> {
    return this.transport.json({ method: 'GET', path, query });
  }

  #post<T>(path: string, body: unknown = {}, idleMs?: number): Promise<T> {
    return this.transport.json({ method: 'POST', path, body, ...(idleMs !== undefined && { idleMs }) });
  }
}

export type Client = CoaxClient;

export function makeClient(options: ClientOptions): CoaxClient {
  return new CoaxClient(options);
}

const prefer = (waitMs: number | undefined): Record<string, string> =>
  waitMs ? { prefer: `wait=${Math.ceil(waitMs / 1000)}` } : {};
