import { z } from 'zod';
import { pageOf, Time } from './value.ts';

export const NetworkView = z
  .looseObject({
    name: z.string(),
    cidr: z.string(),
    gateway: z.string(),
    mode: z.enum(['tap', 'user']),
    httpPort: z.int(),
    simulated: z.boolean(),
    addresses: z.object({ used: z.int(), free: z.int() }),
    allocations: z
      .array(z.object({ ip: z.string(), mac: z.string(), msgid: z.int(), vm: z.string().nullable() }))
      .optional()
      .meta({ description: 'Who has which address; only in the view of one network.' }),
    created: Time,
  })
  .meta({ id: 'Network', description: 'A network with the addresses it gave.' });
export type NetworkView = z.infer<typeof NetworkView>;
export const NetworkList = pageOf(NetworkView, 'NetworkList');
export type NetworkList = z.infer<typeof NetworkList>;
