import { z } from 'zod';
import { listOf } from './value.ts';

/** A network with the addresses it gave. More members may stand in it. */
export const NetworkView = z
  .looseObject({ name: z.string(), simulated: z.boolean() })
  .meta({ id: 'Network' });
export type NetworkView = z.infer<typeof NetworkView>;
export const NetworkList = listOf(NetworkView, 'NetworkList');
export type NetworkList = z.infer<typeof NetworkList>;
