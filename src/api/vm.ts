import { z } from 'zod';
import { ProjectName } from './message.ts';
import { LabelledListQuery, LabelsObject, Msgid, pageOf, Reason, Time } from './value.ts';

export const VmView = z
  .looseObject({
    name: z.string(),
    uuid: z.string().nullable(),
    state: z.string().meta({
      description:
        '`building` and `removing`: its message is under way. `missing`: its host has no such guest. Else what the guest is: running, stopped, paused.',
    }),
    host: z.string(),
    ip: z.string().nullable(),
    mac: z.string().nullable(),
    network: z.string().nullable(),
    url: z.string().nullable().meta({ description: 'The page that the stock guest serves.' }),
    cpu: z.number(),
    memMib: z.number(),
    simulated: z.boolean(),
    msgid: Msgid.meta({ description: 'The message that made it.' }),
    labels: LabelsObject.meta({ description: 'Those of the message that made it.' }),
    project: z.string().meta({ description: 'That of its message.' }),
    created: Time,
  })
  .meta({ id: 'Vm', description: 'A VM as the inventory has it.' });
export type VmView = z.infer<typeof VmView>;
export const VmList = pageOf(VmView, 'VmList');
export type VmList = z.infer<typeof VmList>;

export const VmsQuery = LabelledListQuery.extend({
  project: ProjectName.optional().meta({ description: 'Only what is of this project.' }),
  find: z
    .string()
    .max(253)
    .optional()
    .meta({
      description: 'Only those whose name, host or address holds this text, in whatever letters.',
      examples: ['web'],
    }),
});
export type VmsQuery = LabelledListQuery & { find?: string | undefined };

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
    .default(16_384)
    .meta({ description: 'So many bytes at most.', type: 'integer', minimum: 1, maximum: 1024 * 1024 }),
});
export const ConsoleView = z.object({ name: z.string(), text: z.string() }).meta({ id: 'Console' });
export type ConsoleView = z.infer<typeof ConsoleView>;
export const SerialTicketBody = z
  .strictObject({
    readonly: z.boolean().default(false).meta({ description: 'It watches, and types nothing.' }),
  })
  .meta({ id: 'SerialTicketRequest' });
export type SerialTicketBody = z.input<typeof SerialTicketBody>;
/** As much as the console's last lines may be asked for; a line keeps a quarter of it. */
const SCROLLBACK_BYTES_MAX = 1024 * 1024;
export const SerialQuery = z.strictObject({
  scrollback: z.coerce.number<string | number>().pipe(z.int().min(0).max(SCROLLBACK_BYTES_MAX)).default(0),
  /** `false`: what it showed last, and no more; also of a guest that is stopped. */
  follow: z.enum(['true', 'false']).default('true'),
});
export const SerialTicket = z
  .object({
    ticket: z.string(),
    protocol: z.string().meta({ description: 'Give it as the WebSocket subprotocol.' }),
    readonly: z.boolean(),
    expiresMs: z.int().meta({ description: 'Good once, for so many milliseconds.' }),
  })
  .meta({ id: 'SerialTicket', description: 'Opens the serial WebSocket of one VM once.' });
export type SerialTicket = z.infer<typeof SerialTicket>;
