import { useQuery } from '@tanstack/react-query';
import type { Counts } from '../../../src/api/message.ts';
import { get } from './request.ts';

/** How many messages have each status, kept fresh by the events. */
export function useCounts() {
  return useQuery({ queryKey: ['counts'], queryFn: ({ signal }) => get<Counts>('/v1/counts', {}, signal) });
}
