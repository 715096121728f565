import { z } from 'zod';
import { listOf } from './value.ts';

/** A host as placement sees it. More members may stand in it. */
export const HostView = z.looseObject({ name: z.string(), simulated: z.boolean() }).meta({ id: 'Host' });
export type HostView = z.infer<typeof HostView>;
export const HostList = listOf(HostView, 'HostList');
export type HostList = z.infer<typeof HostList>;
