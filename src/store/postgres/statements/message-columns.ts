import type { MessageRow } from '../../rows.ts';

/**
 * Every column that is read of a message, by name: a newer version may add others while this one has statements prepared,
 * and PostgreSQL refuses a prepared statement whose result would change.
 */
const NAMES = [
  'msgid',
  'flow',
  'plan',
  'mode',
  'cursor',
  'attempt',
  'phase',
  'cause',
  'error',
  'undo_error',
  'rewind_to',
  'floor',
  'base',
  'trail',
  'generation',
  'seq',
  'head',
  'address',
  'ready_at',
  'worker',
  'lease_until',
  'fence',
  'begun',
  'ask',
  'parent_msgid',
  'parent_step',
  'parent_branch',
  'parent_generation',
  'actor',
  'created',
  'updated',
] as const satisfies readonly (keyof MessageRow)[];

/** For the list of a SELECT. `alias`: the table's, in the statement. */
export const messageColumns = (alias: string): string => NAMES.map(name => `${alias}.${name}`).join(', ');

export const MESSAGE_COLUMNS = messageColumns('messages');
