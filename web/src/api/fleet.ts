import { useQuery } from '@tanstack/react-query';
import type { FleetMapView, HostShow } from '../../../src/api/host.ts';
import type { MessagePage, MessageView } from '../../../src/api/message.ts';
import type { SerialTicket, VmList, VmView } from '../../../src/api/vm.ts';
import { get, post } from './request.ts';

/** An agent reports every few seconds, which is no event. */
const REPORT_MS = 5000;

export function useVms() {
  return useQuery({ queryKey: ['vms'], queryFn: ({ signal }) => get<VmList>('/v1/vms', {}, signal) });
}

export function useVm(name: string) {
  return useQuery({
    queryKey: ['vms', name],
    queryFn: ({ signal }) => get<VmView>(`/v1/vms/${encodeURIComponent(name)}`, {}, signal),
  });
}

/** Every host in few bytes, a list for each column. */
export function useFleetMap() {
  return useQuery({
    queryKey: ['hosts', 'map'],
    queryFn: ({ signal }) => get<FleetMapView>('/v1/fleet-map', {}, signal),
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
