import { z } from 'zod';
import { CommitView } from './commit.ts';
import { MessageLite, ProjectQuery } from './message.ts';
import { MsgidText } from './value.ts';

export const EventsQuery = ProjectQuery.extend({ msgid: MsgidText.optional() });

/** What the event `commit` of /v1/events carries. */
export const CommitEventView = z
  .object({ message: MessageLite, commits: z.array(CommitView) })
  .meta({ id: 'CommitEvent', description: 'Transitions of one message that became durable.' });
export type CommitEventView = z.infer<typeof CommitEventView>;
