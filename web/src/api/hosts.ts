import { useQuery } from '@tanstack/react-query';
import type { HostList } from '../../../src/api/host.ts';
import { get } from './request.ts';

/** All hosts, kept fresh by the events. */
export function useHosts() {
  return useQuery({ queryKey: ['hosts'], queryFn: ({ signal }) => get<HostList>('/v1/hosts', {}, signal) });
}
