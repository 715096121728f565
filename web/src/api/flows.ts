import { useQuery } from '@tanstack/react-query';
import type { FlowList } from '../../../src/api/flow.ts';
import { get } from './request.ts';

/** The flows that there are; their files may change while the page is open, so it is read anew each time it is needed. */
export function useFlows() {
  return useQuery({
    queryKey: ['flows'],
    queryFn: ({ signal }) => get<FlowList>('/v1/flows', {}, signal),
    staleTime: 5000,
  });
}
