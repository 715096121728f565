import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import type { MessageView } from '../../../../../src/api/message.ts';
import { useHistory, useMessage } from '../../../api/message.ts';
import { StatusBadge } from '../../../parts/badge.tsx';
import { Button, IconButton } from '../../../parts/button.tsx';
import { useWords } from '../../../words/words.ts';
import { rowOf } from '../../messages/message-list.ts';
import { Progress } from '../../messages/progress.tsx';
import { PlanLine } from './plan-line.tsx';
import { StepPanel } from './step-panel.tsx';
import { firstShown, stopsOf } from './walk.ts';

const NONE: readonly [] = [];

interface PlanProps {
  readonly message: MessageView;
  /** Index of the step that somebody has picked; until then what is shown moves with the cursor. */
  readonly picked: number | null;
  readonly onPick: (index: number) => void;
}

/** A plan with its cursor, the branches of its groups beneath it, and what the step that was picked has done. */
export function Plan({ message, picked, onPick }: PlanProps) {
  const commits = useHistory(message.msgid).data?.commits ?? NONE;
  const stops = useMemo(() => stopsOf(message, commits), [message, commits]);
  const shown = picked !== null && picked < stops.length ? picked : firstShown(stops, message.cursor);
  const stop = stops[shown];
  return (
    <div className="space-y-3">
      <PlanLine message={message} stops={stops} shown={shown} onShow={onPick} />
      {message.children.length > 0 && <Branches message={message} />}
      {stop && <StepPanel stop={stop} message={message} />}
    </div>
  );
}

const SHOWN = 20;

/** The branches of a message's groups: messages of their own, each with its plan when it is opened. */
function Branches({ message }: { message: MessageView }) {
  const word = useWords();
  const [limit, setLimit] = useState(SHOWN);
  const { children } = message;
  return (
    <section aria-label={word('branches.title')} className="rounded-md border border-line/80">
      <h3 className="border-b px-3 py-1.5 text-xs font-medium text-soft">
        {word('branches.title')} <span className="text-faint">{children.length}</span>
      </h3>
      <ul>
        {children.slice(0, limit).map(msgid => (
          <BranchItem key={msgid} msgid={msgid} />
        ))}
      </ul>
      {children.length > limit && (
        <div className="p-2">
          <Button onClick={() => setLimit(limit + SHOWN * 5)}>
            {word('branches.more', { n: children.length - limit })}
          </Button>
        </div>
      )}
    </section>
  );
}

function BranchItem({ msgid }: { msgid: number }) {
  const word = useWords();
  const [open, setOpen] = useState(false);
  const [picked, setPicked] = useState<number | null>(null);
  const child = useMessage(msgid).data?.message;
  return (
    <li className="border-b border-line/60 last:border-b-0">
      <div className="flex min-h-9 items-center gap-2 px-2">
        <IconButton
          icon={open ? 'down' : 'right'}
          label={word(open ? 'branches.close' : 'branches.open', { msgid })}
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        />
        <Link
          to="/messages/$msgid"
          params={{ msgid: String(msgid) }}
          className="grid min-h-6 min-w-6 place-items-center font-mono text-accent hover:underline"
        >
          {msgid}
        </Link>
        {child && (
          <>
            <span className="min-w-0 flex-1 truncate text-xs text-soft">
              <Progress row={rowOf(child)} />
            </span>
            <StatusBadge status={child.status} />
          </>
        )}
      </div>
      {open && child && (
        <div className="border-l-2 border-accent/40 py-2 pr-2 pl-3 ml-4">
          <Plan message={child} picked={picked} onPick={setPicked} />
        </div>
      )}
    </li>
  );
}
