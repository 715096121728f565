import { useState } from 'react';
import type { CommitView } from '../../../../../src/api/commit.ts';
import type { MessageView } from '../../../../../src/api/message.ts';
import { Badge, type Tone } from '../../../parts/badge.tsx';
import { Button } from '../../../parts/button.tsx';
import { Output } from '../../../parts/output.tsx';
import { Age } from '../../../parts/time/age.tsx';
import { exactLength } from '../../../parts/time/length.ts';
import { valueText } from '../../../parts/value-text.ts';
import { useWords } from '../../../words/words.ts';
import { FailedBranches } from './failed-branches.tsx';
import type { Stop } from './walk.ts';

/** What a step has done: each attempt with what it set, why it failed, and what it wrote. */
export function StepPanel({ stop, message }: { stop: Stop; message: MessageView }) {
  const word = useWords();
  const { step, tries, undos } = stop;
  const host = step.at === null ? undefined : message.parameters[step.at];
  const attempts = [...tries, ...undos];
  return (
    <section
      aria-label={word('panel.label', { step: step.step })}
      className="rounded-md bg-sunk/70 p-3"
      data-step-panel
    >
      <h3 className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5">
        <span className="font-mono font-medium">
          {step.index} {step.step}
        </span>
        {step.at !== null && (
          <span className="text-xs text-soft">
            {word('panel.at', { host: host === undefined ? step.at : valueText(host) })}
          </span>
        )}
        {step.codeChanged && <span className="text-xs text-back">{word('panel.codeChanged')}</span>}
        {step.code !== null && (
          <span className="font-mono text-2xs text-faint" title={step.code}>
            {word('panel.code', { id: step.code.slice(0, 10) })}
          </span>
        )}
      </h3>
      <Attempts attempts={attempts} />
      <NowLine stop={stop} message={message} />
    </section>
  );
}

/** So many attempts are shown at first: what failed three hundred times failed alike. */
const NEWEST = 4;
const MORE = 50;

function Attempts({ attempts }: { attempts: readonly CommitView[] }) {
  const word = useWords();
  const [limit, setLimit] = useState(NEWEST);
  if (attempts.length === 0) return null;
  // One more would take no more room than the button.
  const hidden = attempts.length - limit > 1 ? attempts.length - limit : 0;
  const failed = attempts.findLast(({ outcome }) => outcome !== 'ok' && outcome !== 'split');
  return (
    <>
      {hidden > 0 && (
        <Button className="mt-2" onClick={() => setLimit(limit + MORE)}>
          {word('panel.earlier', { n: hidden })}
        </Button>
      )}
      <ul className="mt-2 space-y-2">
        {attempts.slice(hidden).map(commit => (
          <Attempt key={commit.id} commit={commit} open={commit === failed} />
        ))}
      </ul>
    </>
  );
}

/** What goes on at the step now, or that nothing was done there yet. */
function NowLine({ stop, message }: { stop: Stop; message: MessageView }) {
  const word = useWords();
  const { state, tries, undos } = stop;
  const text = ((): string | null => {
    if (state === 'undoing') return message.status === 'running' ? word('panel.undoUnderWay') : null;
    if (state !== 'current') return tries.length + undos.length === 0 ? word('panel.nothing') : null;
    if (tries.length === 0) return word(message.status === 'running' ? 'panel.underWay' : 'panel.nothing');
    const n = message.attempt + 1;
    if (message.status === 'running') return word('panel.tryUnderWay', { n });
    return message.notBefore === null ? null : word('panel.tryWaits', { n });
  })();
  return text === null ? null : <p className="mt-2 text-soft">{text}</p>;
}

export const OUTCOME_TONES: Readonly<Record<CommitView['outcome'], Tone>> = {
  accepted: 'neutral',
  ok: 'good',
  retry: 'back',
  failed: 'bad',
  parked: 'bad',
  split: 'wait',
  cancel: 'back',
  revert: 'back',
  amend: 'neutral',
  rewind: 'back',
  resolve: 'busy',
};

function Attempt({ commit, open }: { commit: CommitView; open: boolean }) {
  const word = useWords();
  const { mode, outcome, attempt, worker, started, finished, set, unset, error, log } = commit;
  const output = log ?? error?.log;
  return (
    <li className="space-y-1.5">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-soft">
        <Badge tone={OUTCOME_TONES[outcome]}>{word(`outcome.${outcome}`)}</Badge>
        <span>{word(mode === 'rollback' ? 'panel.undo' : 'panel.do', { n: attempt })}</span>
        <span>{exactLength(finished - started)}</span>
        {worker !== null && <span className="font-mono">{worker}</span>}
        <Age at={finished} />
      </div>
      {error && (
        <p className="text-bad">
          {error.reason} <span className="font-mono text-xs">({error.code})</span>
        </p>
      )}
      <FailedBranches commit={commit} />
      {(set !== undefined || unset !== undefined) && (
        <ul className="font-mono text-xs">
          {Object.entries(set ?? {}).map(([name, value]) => (
            <li key={name} className="break-all text-good">
              + {name} = {valueText(value, 400)}
            </li>
          ))}
          {unset?.map(name => (
            <li key={name} className="text-bad">
              − {name}
            </li>
          ))}
        </ul>
      )}
      {output && (
        <details open={open}>
          <summary className="text-xs text-soft">{word('panel.output')}</summary>
          <Output text={output} />
        </details>
      )}
    </li>
  );
}
