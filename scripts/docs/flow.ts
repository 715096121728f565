import { FORMATS } from '../../src/flow/check-value.ts';
import { formatDuration } from '../../src/flow/duration.ts';
import { RETRY_DEFAULT, TIMEOUT_DEFAULT_MS } from '../../src/message/backoff.ts';
import {
  ATTEMPTS_MAX,
  EACH_LIMIT_DEFAULT,
  EACH_LIMIT_MAX,
  GROUP_DEPTH_MAX,
  PLAN_STEPS_MAX,
  TIMEOUT_MAX_MS,
} from '../../src/message/limits.ts';
import { memberTable, pageText, table, writePage } from './page.ts';

const code = (text: string): string => `\`${text}\``;

/** Of both kinds of groups. */
const TOLERANCE = [
  [
    '`tolerate`',
    'of `all` and `each`: how many branches may fail; a number, a share such as `5%` (rounded down), or a parameter that holds one',
    '0',
  ],
  [
    '`failed`',
    'of `all` and `each`: parameter that gets the list of the branches that failed: `branch`, `item`, `message`, `code`, `reason`',
    'nothing',
  ],
];

export const page = {
  path: 'docs/reference/flow.md',
  text: () =>
    pageText(
      '# Flow',
      'A flow is a named plan with a parameter schema: a YAML file, or the same object from `defineFlow`. [write-a-flow.md](../how-to/write-a-flow.md) shows one. An unknown key is refused, with the place in the file.',
      '## A flow',
      memberTable('src/flow/define-flow.ts', 'FlowSyntax'),
      '`name` is that of the flow; `about` is one line for people.',
      '## A step',
      table(
        ['key', 'value', 'default'],
        [
          ['(a text)', '`module action`', ''],
          ['`do`', '`module action`', ''],
          ['`at`', 'parameter that holds the host whose workers must do it', 'whoever serves the module'],
          [
            '`timeout`',
            `for one attempt; at most ${formatDuration(TIMEOUT_MAX_MS)}`,
            code(formatDuration(TIMEOUT_DEFAULT_MS)),
          ],
          [
            '`retry.attempts`',
            `the first one counted; 1 to ${ATTEMPTS_MAX}`,
            code(String(RETRY_DEFAULT.attempts)),
          ],
          [
            '`retry.backoff`',
            'longest wait before the second attempt',
            code(formatDuration(RETRY_DEFAULT.backoffMs)),
          ],
          ['`retry.factor`', 'growth of that wait; 1 to 100', code(String(RETRY_DEFAULT.factor))],
          [
            '`retry.backoffMax`',
            'the wait grows no longer than that',
            code(formatDuration(RETRY_DEFAULT.backoffMaxMs)),
          ],
          ['`retry.terminal`', 'error codes that are never tried again', '`[]`'],
        ],
      ),
      'Lengths of time are a number with a unit: `500ms`, `30s`, `2m`, `1.5h`, `1d`.',
      '## A group',
      table(
        ['key', 'value', 'default'],
        [
          ['`all`', 'list of branches; a branch is a list of steps, or `{name, steps}`', ''],
          ['`all[].name`', 'what the branch sets arrives as one object under this name', 'merged as it is'],
          ['`each`', 'parameter that holds a list: one branch for each item', ''],
          ['`as`', 'how the branch sees its item', '`item`'],
          [
            '`limit`',
            `branches under way at one time; 1 to ${EACH_LIMIT_MAX}`,
            code(String(EACH_LIMIT_DEFAULT)),
          ],
          ['`collect`', 'parameter that gets the list of what the branches set', 'nothing'],
          ['`steps`', 'the steps of each branch', ''],
          ...TOLERANCE,
        ],
      ),
      `At most ${PLAN_STEPS_MAX} steps, those inside groups counted; groups lie at most ${GROUP_DEPTH_MAX} deep. \`when\`, \`lock\`, \`savepoint\` and \`needs\` are kept for a later version and refused now.`,
      '## A parameter',
      'Described by a part of JSON Schema (draft 2020-12); required unless it has a `default`.',
      memberTable('src/flow/flow.ts', 'ParameterSchema'),
      `\`format\` is one of ${Object.keys(FORMATS).map(code).join(', ')}.`,
    ),
};

if (import.meta.main) await writePage(page);
