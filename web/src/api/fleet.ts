import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';
import type { FleetMapView, HostShow } from '../../../src/api/host.ts';
import type { MessagePage, MessageView } from '../../../src/api/message.ts';
import type { SerialTicket, VmList, VmUseHistory, VmView } from '../../../src/api/vm.ts';
import { get, post } from './request.ts';

/** An agent reports every few seconds, which is no event. */
const REPORT_MS = 5000;

const PAGE = 500;

export interface VmFilters {
  /** In the name, the host or the address. */
  readonly find?: string;
  /** By labels, as `env=prod,tier!=web`. */
  readonly selector?: string;
}

/** VMs in the order of their names, read page by page as somebody scrolls. */
export function useVmList(filters: VmFilters) {
  const { data, error, refetch, hasNextPage, isFetching, fetchNextPage } = useInfiniteQuery({
    queryKey: ['vm-list', filters],
    queryFn: ({ pageParam, signal }) =>
      get<VmList>('/v1/vms', { ...filters, limit: PAGE, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: page => page.next,
    // To compare a hundred thousand rows with those before would take longer than to draw the forty in sight.
    structuralSharing: false,
  });
  const rows = useMemo(() => data?.pages.flatMap(({ items }) => items), [data]);
  const more = useCallback(() => {
    if (hasNextPage && !isFetching) void fetchNextPage();
  }, [hasNextPage, isFetching, fetchNextPage]);
  return { rows, error, refetch, more, hasMore: hasNextPage };
}

/** How many pages of a list of VMs are shown: what is long is read anew less often. */
export const vmPagesIn = (data: unknown): number =>
  (data as { pages?: unknown[] } | undefined)?.pages?.length ?? 1;

/** The VMs of one host, as far as a page goes. */
export function useVmsOf(host: string) {
  return useQuery({
    queryKey: ['vm-list', { host }],
    queryFn: ({ signal }) => get<VmList>('/v1/vms', { find: host, limit: 1000 }, signal),
  });
}

export function useVm(name: string) {
  return useQuery({
    queryKey: ['vms', name],
    queryFn: ({ signal }) => get<VmView>(`/v1/vms/${encodeURIComponent(name)}`, {}, signal),
  });
}

/** Every host in few bytes, or those with such labels; a list for each column. */
export function useFleetMap(selector?: string) {
  return useQuery({
    queryKey: ['hosts', 'map', selector ?? ''],
    queryFn: ({ signal }) => get<FleetMapView>('/v1/fleet-map', { selector }, signal),
    refetchInterval: REPORT_MS,
  });
}

export function useHost(name: string) {
  return useQuery({
    queryKey: ['hosts', 'host', name],
    queryFn: ({ signal }) => get<HostShow>(`/v1/hosts/${encodeURIComponent(name)}`, {}, signal),
    refetchInterval: REPORT_MS,
  });
}

/** What a VM uses now, and used in the last hour. */
export function useVmUse(name: string) {
  return useQuery({
    queryKey: ['vm-use', name],
    queryFn: ({ signal }) => get<VmUseHistory>(`/v1/vms/${encodeURIComponent(name)}/use`, {}, signal),
    refetchInterval: REPORT_MS,
  });
}

/** Flows that do something with a VM that is there. */
const VM_FLOWS = ['start_vm', 'stop_vm', 'reboot_vm', 'move_vm'];
const OF_EACH = 100;

/** What was done with a VM after it was made, newest first: of the newest messages of each such flow. */
export function useVmMessages(name: string) {
  return useQuery({
    queryKey: ['vms', name, 'messages'],
    queryFn: async ({ signal }): Promise<MessageView[]> => {
      const read = (flow: string) =>
        get<MessagePage>('/v1/messages', { flow, children: true, limit: OF_EACH }, signal);
      const pages = await Promise.all(VM_FLOWS.map(read));
      return pages
        .flatMap(({ items }) => items)
        .filter(({ parameters }) => parameters.name === name)
        .sort((a, b) => b.msgid - a.msgid);
    },
  });
}

/** What opens the serial line of a VM once. Errors: RequestError. */
export function serialTicket(vm: string, readonly: boolean): Promise<SerialTicket> {
  return post<SerialTicket>(`/v1/vms/${encodeURIComponent(vm)}/serial-ticket`, { readonly });
}
