import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useId } from 'react';
import type { MessageView } from '../../../../src/api/message.ts';
import { useApprovals } from '../../api/approvals.ts';
import { useCounts } from '../../api/counts.ts';
import { ROLLOUT_FLOW } from '../../api/packages.ts';
import { Icon } from '../../parts/icon.tsx';
import { Loading, ProblemNotice } from '../../parts/notice.tsx';
import { Age } from '../../parts/time/age.tsx';
import { useWords } from '../../words/words.ts';
import { ApproveButtons, type Decide, useDecision } from '../approval/approve-buttons.tsx';
import { BriefItem, briefQuery, useBriefEvents } from './brief-list.tsx';

/** Of each kind at most. */
const SHOWN = 10;

/** All that waits for a person: what is to be approved, with the decision at hand, and what is parked. */
export function NeedsPerson() {
  const word = useWords();
  const id = useId();
  const counts = useCounts().data;
  const parked = useQuery(briefQuery('parked', SHOWN));
  useBriefEvents('parked', parked.data);
  const approvals = useApprovals();
  const [dialog, decide] = useDecision();
  const toApprove = approvals.data?.items.slice(0, SHOWN) ?? [];
  const none = toApprove.length === 0 && parked.data?.items.length === 0 && approvals.data !== undefined;
  return (
    <section aria-labelledby={id} className="card p-3">
      <h2 id={id} className="font-semibold">
        {word('needs.title')}
      </h2>
      {[approvals, parked].map(
        ({ error, refetch }, index) =>
          // biome-ignore lint/suspicious/noArrayIndexKey: there are always these two
          error && <ProblemNotice key={index} error={error} onRetry={() => void refetch()} />,
      )}
      {none && (
        <p className="mt-2 flex items-center gap-2 text-soft">
          <Icon name="check" />
          {word('needs.none')}
        </p>
      )}
      {(approvals.isPending || parked.isPending) && <Loading />}
      {toApprove.length > 0 && (
        <Kind title={word('needs.approve', { n: counts?.approval ?? toApprove.length })}>
          {(counts?.approval ?? 0) > toApprove.length && (
            <Link to="/messages" search={{ approval: true }} className="text-accent hover:underline">
              {word('parked.all')}
            </Link>
          )}
        </Kind>
      )}
      <ul className="divide-y divide-line/60">
        {toApprove.map(message => (
          <ToApprove key={message.msgid} message={message} onDecide={decide} />
        ))}
      </ul>
      {parked.data !== undefined && parked.data.items.length > 0 && (
        <Kind title={word('needs.parked', { n: counts?.parked ?? parked.data.items.length })}>
          {parked.data.next !== undefined && (
            <Link
              to="/messages"
              search={{ status: 'parked', children: true }}
              className="text-accent hover:underline"
            >
              {word('parked.all')}
            </Link>
          )}
        </Kind>
      )}
      <ul className="divide-y divide-line/60">
        {parked.data?.items.map(message => (
          <BriefItem key={message.msgid} message={message} />
        ))}
      </ul>
      {dialog}
    </section>
  );
}

function Kind({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <h3 className="mt-2 flex items-baseline justify-between gap-2 text-xs font-medium text-soft">
      {title}
      {children}
    </h3>
  );
}

/** Each wave of a rollout is a branch, which waits; the page of the rollout tells more than that of the branch. */
function ToApprove({ message, onDecide }: { message: MessageView; onDecide: Decide }) {
  const word = useWords();
  const { msgid, flow, project, updated, head, parent, actor } = message;
  const rollout = parent !== null && flow.startsWith(ROLLOUT_FLOW) ? parent.msgid : null;
  const link = 'inline-block min-h-6 min-w-6 font-mono text-accent hover:underline';
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1.5 py-2" data-approval={msgid}>
      <div className="min-w-0 flex-1 basis-44">
        <div className="flex items-baseline gap-2">
          {rollout === null ? (
            <Link to="/messages/$msgid" params={{ msgid: String(msgid) }} className={link}>
              {msgid}
            </Link>
          ) : (
            <Link to="/rollouts/$msgid" params={{ msgid: String(rollout) }} className={link}>
              {rollout}
            </Link>
          )}
          <span className="min-w-0 truncate" title={flow}>
            {whatOf(message) ?? flow}
          </span>
          <span className="ml-auto text-xs text-faint">
            <Age at={updated} />
          </span>
        </div>
        <p className="truncate text-xs text-soft">
          {word('message.actor')} {actor}
        </p>
      </div>
      <ApproveButtons
        question={{
          msgid,
          project,
          name: `${whatOf(message) ?? flow} ${rollout ?? msgid}`,
          head,
          about: {
            approve: word(rollout === null ? 'approval.approveAbout' : 'rollout.approveAbout'),
            reject: word(rollout === null ? 'approval.rejectAbout' : 'rollout.rejectAbout'),
          },
        }}
        onDecide={onDecide}
      />
    </li>
  );
}

/** A rollout by what it rolls out. */
function whatOf({ flow, parameters }: MessageView): string | null {
  const { package: name, version } = parameters;
  return flow.startsWith(ROLLOUT_FLOW) && typeof name === 'string' ? `${name}@${String(version)}` : null;
}
