import type { CommitView } from '../../../../../src/api/commit.ts';
import type { MessageView } from '../../../../../src/api/message.ts';
import { Badge, type Tone } from '../../../parts/badge.tsx';
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
      {attempts.length === 0 ? (
        <p className="mt-1 text-soft">
          {word(stop.state === 'current' ? 'panel.underWay' : 'panel.nothing')}
        </p>
      ) : (
        <ul className="mt-2 space-y-2">
          {attempts.map(commit => (
            <Attempt key={commit.id} commit={commit} />
          ))}
        </ul>
      )}
    </section>
  );
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

function Attempt({ commit }: { commit: CommitView }) {
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
        <details open={outcome !== 'ok'}>
          <summary className="text-xs text-soft">{word('panel.output')}</summary>
          <Output text={output} />
        </details>
      )}
    </li>
  );
}
