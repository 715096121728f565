import { z } from 'zod';
import { listOf, Reason } from './value.ts';

/** A VM as the inventory has it. More members may stand in it. */
export const VmView = z
  .looseObject({
    name: z.string(),
    msgid: z.int().meta({ description: 'The message that made it.' }),
    simulated: z.boolean(),
  })
  .meta({ id: 'Vm' });
export type VmView = z.infer<typeof VmView>;
export const VmList = listOf(VmView, 'VmList');
export type VmList = z.infer<typeof VmList>;

export const VmRemoveBody = z.strictObject({ reason: Reason }).meta({ id: 'VmRemove' });
export type VmRemoveBody = z.input<typeof VmRemoveBody>;
export const ConsoleQuery = z.strictObject({
  bytes: z.coerce
    .number<string | number>()
    .pipe(
      z
        .int()
        .min(1)
        .max(1024 * 1024),
    )
    .default(16_384),
});
export const ConsoleView = z.object({ name: z.string(), text: z.string() }).meta({ id: 'Console' });
export type ConsoleView = z.infer<typeof ConsoleView>;
export const SerialTicket = z
  .object({
    ticket: z.string(),
    protocol: z.string().meta({ description: 'Give it as the WebSocket subprotocol.' }),
    expiresMs: z.int().meta({ description: 'Good once, for so many milliseconds.' }),
  })
  .meta({ id: 'SerialTicket', description: 'Opens the serial WebSocket of one VM once.' });
export type SerialTicket = z.infer<typeof SerialTicket>;
