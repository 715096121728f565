import { z } from 'zod';
import { ProjectName } from './message.ts';
import { LabelledListQuery, LabelsObject, Msgid, Name, pageOf, Reason, Time, wholeNumber } from './value.ts';

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
const Figure = z.number().min(0);
const FigureOrNull = Figure.nullable();
const USE = {
  cpuPercent: Figure.meta({ description: '100 is one CPU of the host all the time.' }),
  rssBytes: Figure.meta({ description: "Of the host's memory." }),
  pssBytes: FigureOrNull.meta({
    description: 'Its share of it: what several guests have in common counts in part for each.',
  }),
  readBytesPerSecond: FigureOrNull.meta({ description: 'From disks.' }),
  writeBytesPerSecond: FigureOrNull.meta({ description: 'To disks.' }),
  ioDelayPercent: FigureOrNull.meta({
    description:
      'How much of the time its threads waited for disks, on average of them; null where the host does not count that.',
  }),
};

/** What a VM uses of its host. */
export const VmUse = z
  .object({ ...USE, at: Time })
  .meta({ id: 'VmUse', description: 'What a VM uses of its host, over the last seconds.' });
export type VmUse = z.infer<typeof VmUse>;
const VM_USE = {
  name: z.string(),
  uuid: z.string().nullable(),
  host: z.string(),
  project: z.string(),
  msgid: Msgid,
  state: z.string(),
  simulated: z.boolean(),
  use: VmUse.nullable().meta({
    description: 'Null for one that is stopped or simulated, or whose host has not told it lately.',
  }),
};
export const VmUseView = z.object(VM_USE).meta({ id: 'VmUseNow' });
export type VmUseView = z.infer<typeof VmUseView>;
export const VmUseList = pageOf(VmUseView, 'VmUseList');
export type VmUseList = z.infer<typeof VmUseList>;
export const VmUsePoint = z.object({ ...USE, at: Time, seconds: Figure }).meta({
  id: 'VmUsePoint',
  description: 'On average of the `seconds` that ended `at`; memory is that at the end.',
});
export type VmUsePoint = z.infer<typeof VmUsePoint>;
export const VmsUseQuery = LabelledListQuery.extend({
  project: ProjectName.optional().meta({ description: 'Only what is of this project.' }),
  host: Name.optional().meta({ description: 'Only what is on this host.' }),
});
export type VmsUseQuery = LabelledListQuery & { host?: string | undefined };
export const VmUseHistory = z
  .object({ ...VM_USE, history: z.array(VmUsePoint) })
  .meta({ id: 'VmUseHistory', description: 'The last hour on the host that it is on, oldest first.' });
export type VmUseHistory = z.infer<typeof VmUseHistory>;

export const VmRemoveBody = z.strictObject({ reason: Reason }).meta({ id: 'VmRemove' });
export type VmRemoveBody = z.input<typeof VmRemoveBody>;
export const ConsoleQuery = z.strictObject({
  bytes: wholeNumber(1, 1024 * 1024)
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
  scrollback: wholeNumber(0, SCROLLBACK_BYTES_MAX).default(0),
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
