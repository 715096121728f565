import { useMemo, useState } from 'react';
import type { CommitView } from '../../../../../src/api/commit.ts';
import { useHistory } from '../../../api/message.ts';
import { Badge } from '../../../parts/badge.tsx';
import { Button } from '../../../parts/button.tsx';
import { Copy } from '../../../parts/command/copy.tsx';
import { Icon } from '../../../parts/icon.tsx';
import { Loading, ProblemNotice } from '../../../parts/notice.tsx';
import { Output } from '../../../parts/output.tsx';
import { Age } from '../../../parts/time/age.tsx';
import { exactLength } from '../../../parts/time/length.ts';
import { jsonText, valueText } from '../../../parts/value-text.ts';
import { useWords } from '../../../words/words.ts';
import { OUTCOME_TONES } from '../plan/step-panel.tsx';
import { type Change, changesOf } from './changes.ts';

const SHOWN = 100;

/** The commits of a message as git shows a branch: newest first, the way back as a line of its own. */
export function Ledger({ msgid, onFork }: { msgid: number; onFork: (commit: CommitView) => void }) {
  const word = useWords();
  const { data, error, refetch } = useHistory(msgid);
  const [limit, setLimit] = useState(SHOWN);
  const changes = useMemo(() => changesOf(data?.commits ?? []), [data]);
  if (error) return <ProblemNotice error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Loading />;
  const { commits, more } = data;
  return (
    <>
      <ol aria-label={word('message.ledger')} className="divide-y divide-line/60">
        {commits.slice(0, limit).map((commit, index) => (
          <CommitItem
            key={commit.id}
            commit={commit}
            changes={changes.get(commit.id) ?? []}
            newest={index === 0}
            older={commits[index + 1]}
            onFork={() => onFork(commit)}
          />
        ))}
      </ol>
      {(commits.length > limit || more) && (
        <div className="p-2">
          {commits.length > limit ? (
            <Button onClick={() => setLimit(limit * 4)}>
              {word('ledger.more', { n: commits.length - limit })}
            </Button>
          ) : (
            <p className="text-xs text-faint">{word('ledger.cut', { n: commits.length })}</p>
          )}
        </div>
      )}
    </>
  );
}

interface CommitItemProps {
  readonly commit: CommitView;
  readonly changes: readonly Change[];
  readonly newest: boolean;
  readonly older: CommitView | undefined;
  readonly onFork: () => void;
}

function CommitItem({ commit, changes, newest, older, onFork }: CommitItemProps) {
  const word = useWords();
  const [open, setOpen] = useState(false);
  const { id, outcome, mode, step, attempt, actor, worker, error, finished } = commit;
  return (
    <li className="relative" data-commit={id.slice(0, 10)}>
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className="grid w-full grid-cols-[2.5rem_minmax(0,1fr)_auto] items-center gap-x-2 text-left hover:bg-sunk/60"
      >
        <Graph back={mode === 'rollback'} newest={newest} older={older} />
        <span className="flex min-w-0 flex-wrap items-baseline gap-x-2 gap-y-0.5 py-1.5">
          <span className="font-mono text-xs text-accent">{id.slice(0, 10)}</span>
          <span className="font-medium">
            {mode === 'rollback' && step !== null ? `${word('ledger.undo')} ` : ''}
            {step ?? ''}
          </span>
          <Badge tone={OUTCOME_TONES[outcome]}>{word(`outcome.${outcome}`)}</Badge>
          {attempt > 1 && <span className="text-xs text-faint">{word('step.tries', { n: attempt })}</span>}
          <span className="min-w-0 truncate font-mono text-xs text-soft">
            {error ? error.reason : summaryOf(changes)}
          </span>
        </span>
        <span className="flex items-center gap-3 pr-3 text-xs text-faint">
          <span className="hidden max-w-40 truncate sm:inline">{worker ?? actor}</span>
          <Age at={finished} />
          <Icon name={open ? 'down' : 'right'} className="size-3" />
        </span>
      </button>
      {open && <CommitDetail commit={commit} changes={changes} onFork={onFork} />}
    </li>
  );
}

/** Two tracks: forward, and back. A dot for the commit, and the line to the one before it. */
function Graph({ back, newest, older }: { back: boolean; newest: boolean; older: CommitView | undefined }) {
  const x = back ? 26 : 12;
  const turn = older !== undefined && (older.mode === 'rollback') !== back;
  const olderX = older?.mode === 'rollback' ? 26 : 12;
  return (
    <svg aria-hidden="true" viewBox="0 0 40 34" preserveAspectRatio="none" className="h-full min-h-8.5 w-10">
      {!newest && (
        <path d={`M${x} 0V17`} className="stroke-edge" strokeWidth="1.5" vectorEffect="non-scaling-stroke" />
      )}
      {older && (
        <path
          d={turn ? `M${x} 17C${x} 28 ${olderX} 24 ${olderX} 34` : `M${x} 17V34`}
          fill="none"
          className="stroke-edge"
          strokeWidth="1.5"
          vectorEffect="non-scaling-stroke"
        />
      )}
      <ellipse cx={x} cy="17" rx="4" ry="4" className={back ? 'fill-back' : 'fill-accent'} />
    </svg>
  );
}

/** As `git log --stat` does: what was set, in few words. */
function summaryOf(changes: readonly Change[]): string {
  return changes
    .map(({ name, ...values }) =>
      'after' in values ? `+${name}=${valueText(values.after, 40)}` : `−${name}`,
    )
    .join(' ');
}

function CommitDetail({
  commit,
  changes,
  onFork,
}: {
  commit: CommitView;
  changes: readonly Change[];
  onFork: () => void;
}) {
  const word = useWords();
  const { id, parent, seq, actor, worker, code, codeChanged, started, finished, error, log, detail } = commit;
  const facts: readonly (readonly [string, string | null])[] = [
    [word('commit.parent'), parent?.slice(0, 10) ?? null],
    [word('commit.seq'), String(seq)],
    [word('commit.actor'), actor],
    [word('commit.worker'), worker],
    [
      word('commit.code'),
      code && `${code.slice(0, 10)}${codeChanged ? ` · ${word('panel.codeChanged')}` : ''}`,
    ],
    [word('commit.took'), exactLength(finished - started)],
    [word('commit.finished'), new Date(finished).toISOString()],
  ];
  const output = log ?? error?.log;
  return (
    <div className="space-y-2 pr-3 pb-3 pl-10">
      <div className="flex items-center gap-1 font-mono text-2xs break-all text-soft">
        {id} <Copy text={id} />
      </div>
      <dl className="flex flex-wrap gap-x-5 gap-y-1 text-xs">
        {facts.map(([name, value]) =>
          value === null ? null : (
            <div key={name} className="flex gap-1.5">
              <dt className="text-faint">{name}</dt>
              <dd className="font-mono">{value}</dd>
            </div>
          ),
        )}
      </dl>
      {error && (
        <p className="text-bad">
          {error.reason} <span className="font-mono text-xs">({error.code})</span>
        </p>
      )}
      {changes.length > 0 && <Changes changes={changes} />}
      {output && <Output text={output} />}
      {detail !== undefined && (
        <details>
          <summary className="text-xs text-soft">{word('commit.detail')}</summary>
          <Output text={JSON.stringify(detail, null, 2)} />
        </details>
      )}
      <Button onClick={onFork}>{word('commit.fork')}</Button>
    </div>
  );
}

/** Parameters as a diff: what was, and what is since. */
export function Changes({ changes }: { changes: readonly Change[] }) {
  const word = useWords();
  return (
    <ul aria-label={word('commit.changes')} className="overflow-hidden rounded border font-mono text-xs">
      {changes.map(({ name, ...values }) => (
        <li key={name} className="break-all">
          {'before' in values && (
            <DiffLine sign="−" name={name} value={values.before} look="bg-bad-soft text-bad" />
          )}
          {!('before' in values) && !('after' in values) && (
            <DiffLine sign="−" name={name} look="bg-bad-soft text-bad" />
          )}
          {'after' in values && (
            <DiffLine sign="+" name={name} value={values.after} look="bg-good-soft text-good" />
          )}
        </li>
      ))}
    </ul>
  );
}

function DiffLine({
  sign,
  name,
  value,
  look,
}: {
  sign: string;
  name: string;
  value?: unknown;
  look: string;
}) {
  return (
    <div className={`px-2 py-0.5 ${look}`}>
      {sign} {name}
      {value !== undefined && `: ${jsonText(value)}`}
    </div>
  );
}
