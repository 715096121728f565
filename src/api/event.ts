import { z } from 'zod';
import { CommitView } from './commit.ts';
import { MessageLite, ProjectQuery } from './message.ts';
import { MsgidText, WaitSeconds } from './value.ts';

export const EventsQuery = ProjectQuery.extend({
  msgid: MsgidText.optional(),
  also: z.enum(['webhooks', 'packages', 'webhooks,packages']).optional().meta({
    description:
      'The stream without `msgid` also has events `webhook`, with its `id` and `project`, when a webhook or one of its deliveries has changed; and events `packages`, with the `version` of the signed list, when packages were published or taken back, for who may look at the whole installation.',
  }),
  after: z
    .string()
    .max(100)
    .optional()
    .meta({ description: 'Id of the last event that was seen: the answer is JSON with what came after it.' }),
  wait: WaitSeconds.optional().meta({
    description: 'The answer is JSON, held until there is an event, for at most so many seconds.',
  }),
});

/** What the event `commit` of /v1/events carries. */
export const CommitEventView = z
  .object({ message: MessageLite, commits: z.array(CommitView) })
  .meta({ id: 'CommitEvent', description: 'Transitions of one message that became durable.' });
export type CommitEventView = z.infer<typeof CommitEventView>;

/** What the event `webhook` of /v1/events carries. */
export interface WebhookEventView {
  readonly id: string;
  readonly project: string;
}

/** What the event `packages` of /v1/events carries. */
export interface PackagesEventView {
  readonly version: number;
}

export const EventPage = z
  .object({
    items: z.array(CommitEventView.extend({ id: z.string().meta({ description: 'As in the stream.' }) })),
    last: z.string().meta({ description: 'Give it as `after` to go on.' }),
    gap: z.boolean().meta({ description: 'Too much was missed to tell it: read the state anew.' }),
  })
  .meta({ id: 'EventPage', description: 'What happened after an event, oldest first.' });
export type EventPage = z.infer<typeof EventPage>;
