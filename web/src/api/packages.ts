import { useQuery } from '@tanstack/react-query';
import type { FleetMapView } from '../../../src/api/host.ts';
import type { MessagePage, MessageView } from '../../../src/api/message.ts';
import type { PublishedList } from '../../../src/api/package/repository.ts';
import type { RolloutView } from '../../../src/api/package/rollout.ts';
import { cache } from './cache.ts';
import { get, post, RequestError } from './request.ts';

export const ROLLOUT_FLOW = 'rollout_package';
const ROLLOUTS_SHOWN = 50;

/** Every version that is published: by name, the newest first. */
export function usePackages() {
  return useQuery({
    queryKey: ['packages'],
    queryFn: ({ signal }) => get<PublishedList>('/v1/packages', {}, signal),
  });
}

/** The newest rollouts, as messages. */
export function useRollouts() {
  return useQuery({
    queryKey: ['rollouts'],
    queryFn: ({ signal }) =>
      get<MessagePage>('/v1/messages', { flow: ROLLOUT_FLOW, limit: ROLLOUTS_SHOWN }, signal),
  });
}

/** How far a rollout is; null before its plan is made. */
export function useRollout(msgid: number) {
  return useQuery({
    queryKey: ['rollouts', msgid],
    queryFn: ({ signal }) => readRollout(msgid, signal),
  });
}

async function readRollout(msgid: number, signal: AbortSignal): Promise<RolloutView | null> {
  try {
    return await get<RolloutView>(`/v1/rollouts/${msgid}`, {}, signal);
  } catch (error) {
    if (error instanceof RequestError && error.problem?.status === 404) return null;
    throw error;
  }
}

/** What a rollout is started with, as the parameters of its flow. */
export interface RolloutWish {
  readonly package: string;
  readonly version: string;
  readonly on: string;
  readonly canary: string;
  readonly waves: readonly string[];
  readonly budget: string;
  readonly pause_after: readonly string[];
}

/** Errors: RequestError. */
export async function startRollout(parameters: RolloutWish): Promise<MessageView> {
  const message = await post<MessageView>('/v1/messages', { flow: ROLLOUT_FLOW, parameters });
  void cache.invalidateQueries({ queryKey: ['rollouts'] });
  return message;
}

/** A package on a host, as the host said. */
export interface Standing {
  readonly host: string;
  readonly name: string;
  /** Null: it was removed. */
  readonly version: string | null;
  readonly previous: string | null;
}

const ASKED_MAX = 1000;
const WAIT_SECONDS = 10;
const RESTING = new Set<MessageView['status']>(['done', 'rolled_back', 'parked']);

/** Asks all hosts that are up which packages stand there, by a message. Errors: RequestError, and what the message failed of. */
export async function askHosts(): Promise<readonly Standing[]> {
  const map = await get<FleetMapView>('/v1/fleet-map');
  const up = map.states.indexOf('up');
  const hosts = map.name.filter((_, row) => map.state[row] === up).slice(0, ASKED_MAX);
  if (hosts.length === 0) return [];
  const asked = { flow: 'list_packages', parameters: { hosts } };
  let message = await post<MessageView>('/v1/messages', asked);
  while (!RESTING.has(message.status))
    message = await get<MessageView>(`/v1/messages/${message.msgid}`, { wait: WAIT_SECONDS });
  if (message.status !== 'done') throw new Error(message.error?.reason ?? message.status);
  const answers = (message.parameters.listed ?? []) as unknown as { packages: Omit<Standing, 'host'>[] }[];
  return answers.flatMap(({ packages }, at) => packages.map(one => ({ ...one, host: hosts[at]! })));
}
