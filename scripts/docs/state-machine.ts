import { isCoaxError } from '../../src/errors/coax-error.ts';
import { advance } from '../../src/message/advance.ts';
import { RETRY_DEFAULT } from '../../src/message/backoff.ts';
import type { ActionStep, MessageState, Mode, Phase, Plan } from '../../src/message/message.ts';
import { type Outcome, RESOLUTIONS } from '../../src/message/outcome.ts';
import { startState } from '../../src/message/start-state.ts';
import { ARROWS, type Arrow } from '../../src/message/transitions.ts';
import { pageText, table, writePage } from './page.ts';

const action: ActionStep = {
  module: 'a',
  action: 'b',
  timeoutMs: 1,
  retry: { ...RETRY_DEFAULT, attempts: 2 },
};
/** An action, a group, an action: every kind of place for the cursor. */
const PLAN: Plan = { steps: [action, { all: [{ steps: [action] }] }, action] };
const GROUP = 1;
const error = { code: 'X', reason: 'x' };

const STATE_NAMES: Readonly<Record<string, string>> = {
  'normal open': 'under_way',
  'normal waiting': 'waiting',
  'normal done': 'done',
  'rollback open': 'walking_back',
  'rollback waiting': 'waiting_back',
  'rollback rolled_back': 'rolled_back',
  'rollback parked': 'parked',
};
const nameOf = ({ mode, phase }: { mode: Mode; phase: Phase }): string => STATE_NAMES[`${mode} ${phase}`]!;

/** States of a message in that mode and phase, of every kind that `advance` tells apart. */
function samples(mode: Mode, phase: Phase): MessageState[] {
  const cursors = phase === 'done' ? [PLAN.steps.length] : phase === 'waiting' ? [GROUP] : [0, GROUP, 2];
  return cursors.flatMap(cursor =>
    [0, 1].flatMap(attempt =>
      (mode === 'rollback' ? [null, 0, cursor] : [null]).map(rewindTo => ({
        ...startState(PLAN, {}),
        mode,
        phase,
        cursor,
        attempt: phase === 'done' ? 0 : attempt,
        rewindTo,
        generation: cursor === GROUP && phase === 'waiting' ? 1 : null,
      })),
    ),
  );
}

function outcomes(kind: Outcome['kind'], state: MessageState): Outcome[] {
  const atGroup = state.cursor === GROUP;
  switch (kind) {
    case 'ok':
      return [{ kind, set: {} }];
    case 'retryable':
    case 'terminal':
      return [
        { kind, error },
        { kind, error: { ...error, begun: false } },
      ];
    case 'split':
      return atGroup ? [{ kind, children: [2] }] : [];
    case 'wait':
      return atGroup ? [{ kind }] : [];
    case 'revert':
      return [{ kind, reason: '' }];
    case 'amend':
      return [{ kind, edit: {}, reason: '' }];
    case 'cancel':
      return [true, false].map(begun => ({ kind, begun, reason: '' }));
    case 'rewind':
      return [true, false].flatMap(begun => [0, 1, 2].map(to => ({ kind, begun, to, edit: {}, reason: '' })));
    case 'resolve':
      return RESOLUTIONS.map(how => ({ kind, how, edit: {}, reason: '' }));
  }
}

/** Where an arrow can lead, found by trying it. */
function targets({ mode, phase, outcome }: Arrow): string[] {
  const found = new Set<string>();
  for (const state of samples(mode, phase)) {
    for (const tried of outcomes(outcome, state)) {
      try {
        found.add(nameOf(advance(state, PLAN, tried, { seq: 2, random: 0 }).next));
      } catch (refused) {
        if (!isCoaxError(refused)) throw refused;
      }
    }
  }
  return [...found].sort();
}

function diagram(): string {
  const labels = new Map<string, string[]>();
  for (const arrow of ARROWS) {
    for (const to of targets(arrow)) {
      const edge = `${nameOf(arrow)} --> ${to}`;
      labels.set(edge, [...(labels.get(edge) ?? []), arrow.outcome]);
    }
  }
  const edges = [...labels].map(([edge, words]) => `  ${edge} : ${words.join(', ')}`);
  return [
    '```mermaid',
    'stateDiagram-v2',
    '  [*] --> under_way : accepted',
    ...edges,
    '  waiting --> under_way : a branch came to rest',
    '  waiting_back --> walking_back : a branch came to rest',
    '  done --> [*]',
    '  rolled_back --> [*]',
    '```',
  ].join('\n');
}

export const page = {
  path: 'docs/design/state-machine.md',
  text: () =>
    pageText(
      '# The state machine',
      'One pure function, `advance(state, plan, outcome)` in `src/message/advance.ts`, moves a message. What may happen in which state is the table in `src/message/transitions.ts`; a pair that is not in it is refused. This page is drawn from that table; where each arrow leads was found by trying it.',
      diagram(),
      table(
        ['state here', 'mode', 'phase', 'what people read'],
        Object.entries(STATE_NAMES).map(([key, name]) => {
          const [mode, phase] = key.split(' ') as [Mode, Phase];
          const read =
            phase === 'open' ? 'queued, running, or waiting for a backoff' : phase.replace('_', ' ');
          return [name, mode, phase, read];
        }),
      ),
      '## Every arrow',
      '`worker`: what doing or undoing the step came to, or the look at a group. `person`: a decision, which waits for a step that runs (decision [0007](../decisions/0007-asks-wait-for-the-running-step.md)); a group that fails decides so for its branches.',
      table(
        ['from', 'outcome', 'by', 'to', 'what it means'],
        ARROWS.map(arrow => [
          nameOf(arrow),
          `\`${arrow.outcome}\``,
          arrow.by,
          targets(arrow).join(', '),
          arrow.about,
        ]),
      ),
    ),
};

if (import.meta.main) await writePage(page);
