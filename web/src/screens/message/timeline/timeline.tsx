import { useMemo } from 'react';
import type { CommitView } from '../../../../../src/api/commit.ts';
import type { MessageView } from '../../../../../src/api/message.ts';
import { useHistory } from '../../../api/message.ts';
import { Loading, ProblemNotice } from '../../../parts/notice.tsx';
import { useNow } from '../../../parts/time/clock.ts';
import { exactLength } from '../../../parts/time/length.ts';
import { useWords } from '../../../words/words.ts';
import { axisOf, type Piece, placeOn } from './scale.ts';

const SHOWN = 200;
const BAR_LEAST = 0.004;

const BARS: Partial<Record<CommitView['outcome'], string>> = {
  ok: 'bg-good',
  failed: 'bg-bad',
  parked: 'bg-bad',
  retry: 'bg-back',
};

/** When what went on, on one axis; long idle times are folded and named. */
export function Timeline({ message }: { message: MessageView }) {
  const word = useWords();
  const { data, error, refetch } = useHistory(message.msgid);
  const rows = useMemo(() => (data?.commits ?? []).slice(0, SHOWN).toReversed(), [data]);
  const now = useNow();
  const runs = message.status === 'running';
  const last = rows.at(-1)?.finished ?? now;
  const end = runs ? Math.max(last, now) : last;
  const axis = useMemo(() => {
    const spans = rows.map(({ started, finished }) => ({ from: started, to: finished }));
    return axisOf(end > last ? [...spans, { from: last, to: end }] : spans);
  }, [rows, last, end]);
  if (error) return <ProblemNotice error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Loading />;
  const from = axis[0]?.from ?? 0;
  return (
    <div className="p-2 sm:p-3">
      {(data.commits.length > SHOWN || data.more) && (
        <p className="pb-2 text-xs text-faint">{word('timeline.cut', { n: rows.length })}</p>
      )}
      <Axis axis={axis} />
      <ol aria-label={word('message.timeline')} className="mt-1 space-y-0.5">
        {rows.map(commit => (
          <TimeRow key={commit.id} commit={commit} axis={axis} from={from} />
        ))}
        {runs && (
          <TimeBar
            name={message.steps[message.cursor]?.step ?? ''}
            axis={axis}
            started={last}
            finished={end}
            look="bg-busy pulse"
            title={word('step.current')}
          />
        )}
      </ol>
    </div>
  );
}

const GRID =
  'grid grid-cols-[7.5rem_minmax(0,1fr)_4.5rem] items-center gap-2 sm:grid-cols-[13rem_minmax(0,1fr)_5.5rem]';
const part = (value: number): string => `${(value * 100).toFixed(3)}%`;

function Axis({ axis }: { axis: readonly Piece[] }) {
  const word = useWords();
  return (
    <div className={`${GRID} text-2xs text-faint`}>
      <span />
      <div className="relative h-4 border-b">
        {axis.map(piece => (
          <span
            key={piece.from}
            className={`absolute inset-y-0 truncate text-center ${piece.gap ? 'border-x border-dashed border-edge bg-sunk' : ''}`}
            style={{ left: part(piece.left), width: part(piece.right - piece.left) }}
            title={
              piece.gap ? word('timeline.idle', { length: exactLength(piece.to - piece.from) }) : undefined
            }
          >
            {piece.right - piece.left > 0.08 || piece.gap ? exactLength(piece.to - piece.from) : ''}
          </span>
        ))}
      </div>
      <span className="text-right">{word('timeline.took')}</span>
    </div>
  );
}

function TimeRow({ commit, axis, from }: { commit: CommitView; axis: readonly Piece[]; from: number }) {
  const word = useWords();
  const { step, mode, outcome, attempt, started, finished } = commit;
  const undo = mode === 'rollback' ? `${word('ledger.undo')} ` : '';
  const tries = attempt > 1 ? ` ·${attempt}` : '';
  return (
    <TimeBar
      name={step === null ? word(`outcome.${outcome}`) : undo + step + tries}
      axis={axis}
      started={started}
      finished={finished}
      look={mode === 'rollback' && outcome === 'ok' ? 'bg-back' : (BARS[outcome] ?? 'bg-edge')}
      title={`+${exactLength(started - from)}`}
      point={step === null}
    />
  );
}

interface TimeBarProps {
  readonly name: string;
  readonly axis: readonly Piece[];
  readonly started: number;
  readonly finished: number;
  readonly look: string;
  readonly title: string;
  /** A moment, which takes no time. */
  readonly point?: boolean;
}

function TimeBar({ name, axis, started, finished, look, title, point = false }: TimeBarProps) {
  const left = placeOn(axis, started);
  const width = Math.max(BAR_LEAST, placeOn(axis, finished) - left);
  return (
    <li className={GRID} title={title}>
      <span className="truncate text-xs">{name}</span>
      <span className="relative h-5 rounded-sm bg-sunk/60">
        {axis
          .filter(({ gap }) => gap)
          .map(piece => (
            <span
              key={piece.from}
              className="absolute inset-y-0 border-x border-dashed border-edge/60 bg-card"
              style={{ left: part(piece.left), width: part(piece.right - piece.left) }}
            />
          ))}
        <span
          className={`absolute top-1 h-3 rounded-[2px] ${look}`}
          style={{ left: part(Math.min(left, 1 - BAR_LEAST)), width: part(width) }}
        />
      </span>
      <span className="text-right text-xs text-soft">{point ? '' : exactLength(finished - started)}</span>
    </li>
  );
}
