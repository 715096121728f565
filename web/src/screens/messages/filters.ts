import type { MessageView } from '../../../../src/api/message.ts';
import { shellWord } from '../../parts/command/shell-word.ts';

export type Status = MessageView['status'];
export const STATUSES: readonly Status[] = ['queued', 'running', 'waiting', 'done', 'rolled_back', 'parked'];

/** What is shown of the messages. All of it stands in the address, so that a view can be sent to somebody. */
export interface Filters {
  readonly status?: Status;
  readonly flow?: string;
  /** By labels, as `env=prod,tier!=web`. */
  readonly selector?: string;
  readonly project?: string;
  /** What waits for a person to approve, branches of groups too. */
  readonly approval?: true;
  /** The branches of groups too. */
  readonly children?: true;
  /** Messages that were moved to archive files. */
  readonly archived?: true;
}

/** Reads an address; what is none of ours is passed over. */
export function readFilters(search: Record<string, unknown>): Filters {
  const { status, flow, selector, project, approval, children, archived } = search;
  return {
    ...(STATUSES.includes(status as Status) && { status: status as Status }),
    ...(typeof flow === 'string' && flow !== '' && { flow }),
    ...(typeof selector === 'string' && selector !== '' && { selector }),
    ...(typeof project === 'string' && project !== '' && { project }),
    ...(approval === true && { approval }),
    ...(children === true && { children }),
    ...(archived === true && { archived }),
  };
}

export const isFiltered = (filters: Filters): boolean => Object.keys(filters).length > 0;

/** The command that lists the same. */
export function lsCommand({
  status,
  flow,
  selector,
  project,
  approval,
  children,
  archived,
}: Filters): string {
  return [
    'coax ls',
    status && `--status ${status}`,
    flow && `--flow ${shellWord(flow)}`,
    selector && `--selector ${shellWord(selector)}`,
    project && `--project ${shellWord(project)}`,
    approval && '--approval',
    children && '--children',
    archived ? '--archived' : '--watch',
  ]
    .filter(Boolean)
    .join(' ');
}
