import { formatDuration } from '../../src/flow/duration.ts';
import { RETRY_DEFAULT, TIMEOUT_DEFAULT_MS } from '../../src/message/backoff.ts';
import * as limits from '../../src/message/limits.ts';
import { STATUSES } from '../../src/message/message.ts';
import { validatePlan } from '../../src/message/validate.ts';
import { aboutOf, memberTable, pageText, table, writePage } from './page.ts';

const MESSAGE = 'src/message/message.ts';
const LIMITS = 'src/message/limits.ts';
const EXAMPLE = {
  steps: [
    { module: 'resource', action: 'select_host' },
    { all: [{ steps: [{ module: 'network', action: 'alloc_ip' }] }] },
    { module: 'compute', action: 'create_vm', at: 'host', timeoutMs: 120_000 },
  ],
};

const STATUS_ABOUT: Readonly<Record<(typeof STATUSES)[number], string>> = {
  queued: 'its step may be claimed by any worker that serves the address',
  running: 'a worker holds it',
  waiting: 'for the end of a backoff, or for its branches',
  done: 'every step did its work',
  rolled_back:
    'every step that was begun is undone; `cause` says why: failed, cancelled or reverted (deadline comes in a later version)',
  parked: 'an undo failed for good: a person decides',
};

function limitRows(): (readonly string[])[] {
  return Object.entries(limits).flatMap(([name, value]) => {
    if (typeof value !== 'number') return [];
    const shown = name.endsWith('_MS') ? formatDuration(value) : value.toLocaleString('en');
    return [[`\`${name}\``, shown, aboutOf(LIMITS, name)]];
  });
}

export const page = {
  path: 'docs/reference/message.md',
  text: () =>
    pageText(
      '# Message',
      `A message is one request under way. It carries its own plan, so any worker can take it further. The types are in \`${MESSAGE}\`; the HTTP API's view of a message is in [openapi.json](openapi.json).`,
      '## What moves: the state',
      'All that the state machine knows; [state-machine.md](../design/state-machine.md) draws how it moves.',
      memberTable(MESSAGE, 'MessageState'),
      '## What is kept beside it',
      memberTable(MESSAGE, 'Message'),
      '## Status: what people read',
      table(
        ['status', 'the message'],
        STATUSES.map(status => [status, STATUS_ABOUT[status]]),
      ),
      '## Plan',
      'A plan is an object with a list of steps. A flow writes it more shortly: [flow.md](flow.md). Submitted directly (`POST /v1/messages` with `plan`), what is left out gets its default:',
      `\`\`\`json\n${JSON.stringify(EXAMPLE, null, 2)}\n\`\`\``,
      'becomes',
      `\`\`\`json\n${JSON.stringify(validatePlan(EXAMPLE), null, 2)}\n\`\`\``,
      '### A step that is an action',
      memberTable(MESSAGE, 'ActionStep'),
      '`retry` says how often and how soon it is tried again:',
      memberTable(MESSAGE, 'RetryPolicy'),
      `Default: ${RETRY_DEFAULT.attempts} attempts, ${formatDuration(RETRY_DEFAULT.backoffMs)} times ${RETRY_DEFAULT.factor} for each later one, at most ${formatDuration(RETRY_DEFAULT.backoffMaxMs)}; a timeout of ${formatDuration(TIMEOUT_DEFAULT_MS)}. The wait is drawn between 0 and that, so that retries spread.`,
      '### A step that is a group',
      '`{"all": [branch, …]}`: branches side by side. A branch:',
      memberTable(MESSAGE, 'Branch'),
      '`{"each": …}`: the same branch for each item of a list.',
      memberTable(MESSAGE, 'EachStep'),
      'Both may say that branches may fail:',
      memberTable(MESSAGE, 'Tolerant'),
      'Each branch becomes a child message, ordinary in every way; the message waits for them. If more are rolled back than the group tolerates, all are. A group that is done although branches failed says so in its trail (`partly`) and in its commit, which also names them.',
      '## Limits',
      table(['name', 'at most', ''], limitRows()),
      `Names of modules, actions and flows: \`${limits.NAME.source}\`. Names of parameters: \`${limits.PARAMETER_NAME.source}\`. Numbers are those of IEEE 754; texts have no lone surrogates.`,
    ),
};

if (import.meta.main) await writePage(page);
