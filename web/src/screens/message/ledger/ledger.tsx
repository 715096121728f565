import { useMemo, useState } from 'react';
import type { CommitView } from '../../../../../src/api/commit.ts';
import type { MessageView } from '../../../../../src/api/message.ts';
import { useHistory } from '../../../api/message.ts';
import { useMay } from '../../../api/whoami.ts';
import { Badge } from '../../../parts/badge.tsx';
import { Button } from '../../../parts/button.tsx';
import { Copy } from '../../../parts/command/copy.tsx';
import { Icon } from '../../../parts/icon.tsx';
import { Loading, ProblemNotice } from '../../../parts/notice.tsx';
import { Output } from '../../../parts/output.tsx';
import { Age } from '../../../parts/time/age.tsx';
import { momentText } from '../../../parts/time/clock.ts';
import { exactLength } from '../../../parts/time/length.ts';
import { jsonText, valueText } from '../../../parts/value-text.ts';
import { useWords } from '../../../words/words.ts';
import { OUTCOME_TONES } from '../plan/step-panel.tsx';
import { type Change, changesOf } from './changes.ts';

const SHOWN = 100;

/** The commits of a message as git shows a branch: newest first, the way back as a line of its own. */
export function Ledger(props: { message: MessageView; onFork: (commit: CommitView) => void }) {
  const { message, onFork } = props;
  const { msgid, project } = message;
  const word = useWords();
  const blocked = useMay('operate', project) ? null : word('blocked.viewer', { project });
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
            blocked={blocked}
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
  /** Why nobody here may fork; null when they may. */
  readonly blocked: string | null;
  readonly onFork: () => void;
}

function CommitItem({ commit, changes, newest, older, blocked, onFork }: CommitItemProps) {
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
      {open && <CommitDetail commit={commit} changes={changes} blocked={blocked} onFork={onFork} />}
    </li>
  );
}

const TRACKS_WIDTH = 40;

/** Two tracks: forward, and back. A dot for the commit, and the line to the one before it. */
function Graph({ back, newest, older }: { back: boolean; newest: boolean; older: CommitView | undefined }) {
  const x = back ? 26 : 12;
  const turn = older !== undefined && (older.mode === 'rollback') !== back;
  const olderX = older?.mode === 'rollback' ? 26 : 12;
  return (
    <span aria-hidden="true" className="relative block h-full min-h-8.5 w-10">
      <svg
        aria-hidden="true"
        viewBox="0 0 40 34"
        preserveAspectRatio="none"
        className="absolute inset-0 size-full"
      >
        {!newest && (
          <path
            d={`M${x} 0V17`}
            className="stroke-edge"
            strokeWidth="1.5"
            vectorEffect="non-scaling-stroke"
          />
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
      </svg>
      {/* A dot of its own: it stays round in a row of two lines. */}
      <span
        className={`absolute top-1/2 size-2 -translate-1/2 rounded-full ${back ? 'bg-back' : 'bg-accent'}`}
        style={{ left: `${(x / TRACKS_WIDTH) * 100}%` }}
      />
    </span>
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
  blocked,
  onFork,
}: {
  commit: CommitView;
  changes: readonly Change[];
  blocked: string | null;
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
    [word('commit.finished'), momentText(finished)],
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
      <Button blocked={blocked} onClick={onFork}>
        {word('commit.fork')}
      </Button>
    </div>
  );
}

/** Parameters as a diff: what was, and what is since. */
function Changes({ changes }: { changes: readonly Change[] }) {
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

/** A longer line scrolls in a box of its own. */
const LINE_LONGEST = 600;

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
  const text = `${sign} ${name}${value === undefined ? '' : `: ${jsonText(value)}`}`;
  if (text.length <= LINE_LONGEST) return <div className={`px-2 py-0.5 ${look}`}>{text}</div>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what is long is scrolled by the keyboard, too
    <div tabIndex={0} className={`max-h-48 overflow-auto px-2 py-0.5 ${look}`}>
      {text}
    </div>
  );
}
