import { useQuery } from '@tanstack/react-query';
import type { ReadyView } from '../../../src/api/system.ts';
import { get } from './request.ts';

/** What the server is: its version, and whether its hypervisor is simulated. */
export function useReady() {
  return useQuery({ queryKey: ['ready'], queryFn: ({ signal }) => get<ReadyView>('/readyz', {}, signal) });
}
