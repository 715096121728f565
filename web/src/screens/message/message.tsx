import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import type { MessageView } from '../../../../src/api/message.ts';
import { awaitsPerson } from '../../api/approvals.ts';
import { type TaggedMessage, useMessage, useWhy } from '../../api/message.ts';
import { Badge, StatusBadge } from '../../parts/badge.tsx';
import { Banner } from '../../parts/banner.tsx';
import { useCommand } from '../../parts/command/command-line.tsx';
import { Loading } from '../../parts/notice.tsx';
import { Output } from '../../parts/output.tsx';
import { FaultScreen } from '../../parts/screen/fault-screen.tsx';
import { NotFound } from '../../parts/screen/not-found.tsx';
import { Screen } from '../../parts/screen/screen.tsx';
import { useShown, useTab } from '../../parts/tabs/shown.ts';
import { Tabs } from '../../parts/tabs/tabs.tsx';
import { Age } from '../../parts/time/age.tsx';
import { exactLength } from '../../parts/time/length.ts';
import { TextWithTimes } from '../../parts/time/text-with-times.tsx';
import { useWords } from '../../words/words.ts';
import { Approval } from '../approval/approval.tsx';
import { Blame } from './blame.tsx';
import { Ledger } from './ledger/ledger.tsx';
import { Plan } from './plan/plan.tsx';
import { Timeline } from './timeline/timeline.tsx';
import type { VerbName } from './verbs/verb.ts';
import { VerbDialog } from './verbs/verb-dialog.tsx';
import { Verbs } from './verbs/verbs.tsx';

const TABS = ['ledger', 'timeline', 'parameters', 'raw'] as const;
type TabName = (typeof TABS)[number];

const COMMANDS: Readonly<Record<TabName, (msgid: number) => string>> = {
  ledger: msgid => `coax log ${msgid}`,
  timeline: msgid => `coax log ${msgid} -o json`,
  parameters: msgid => `coax blame ${msgid}`,
  raw: msgid => `coax wait ${msgid} -o json`,
};

/** One message: its plan, what happened to it, and what a person may decide about it. */
export function Message() {
  const { msgid } = useParams({ from: '/messages/$msgid' });
  // Another message begins with nothing picked.
  if (!/^\d{1,15}$/.test(msgid)) return <NotFound />;
  return <MessageOf key={msgid} msgid={Number(msgid)} />;
}

function MessageOf({ msgid }: { msgid: number }) {
  const { data, error, refetch } = useMessage(msgid);
  useCommand(`coax log ${msgid}`);
  if (data !== undefined) return <MessageScreen {...data} />;
  if (error === null) return <Loading />;
  return <FaultScreen name={String(msgid)} list="/messages" error={error} onRetry={() => void refetch()} />;
}

function MessageScreen({ message, etag }: TaggedMessage) {
  const word = useWords();
  const { msgid, flow, status, mode } = message;
  const [tab, setTab] = useTab(TABS);
  const [{ step }, pickShown] = useShown();
  const [verb, setVerb] = useState<{
    name: VerbName;
    message: MessageView;
    etag: string;
    commit: string | null;
  } | null>(null);
  useCommand(COMMANDS[tab](msgid));
  const pick = (name: VerbName, commit: string | null = null): void =>
    setVerb({ name, message, etag, commit });
  return (
    <Screen
      name={`${flow} ${msgid}`}
      title={
        <>
          {flow} <span className="font-mono font-medium text-soft">{msgid}</span>
        </>
      }
      actions={
        <>
          <span className="flex gap-1.5">
            <StatusBadge status={status} />
            {mode === 'rollback' && status !== 'rolled_back' && (
              <Badge tone="back">{word('message.goesBack')}</Badge>
            )}
            {message.simulated && <Badge tone="neutral">{word('message.simulated')}</Badge>}
          </span>
          <Verbs message={message} onPick={name => pick(name)} />
        </>
      }
    >
      <Facts message={message} />
      <Reasons message={message} />
      <section className="card p-3">
        <h2 className="sr-only">{word('message.plan')}</h2>
        <Plan message={message} picked={step ?? null} onPick={index => pickShown({ step: index })} />
      </section>
      <section className="card min-w-0">
        <Tabs
          label={word('message.parts')}
          tabs={TABS.map(name => ({ name, label: word(`message.${name}`) }))}
          current={tab}
          onPick={setTab}
        >
          {tab === 'ledger' && <Ledger message={message} onFork={commit => pick('fork', commit.id)} />}
          {tab === 'timeline' && <Timeline message={message} />}
          {tab === 'parameters' && <Blame msgid={msgid} />}
          {tab === 'raw' && (
            <div className="p-3">
              <Output text={JSON.stringify(message, null, 2)} />
            </div>
          )}
        </Tabs>
      </section>
      {verb !== null && <VerbDialog {...verb} verb={verb.name} onClose={() => setVerb(null)} />}
    </Screen>
  );
}

function Facts({ message }: { message: MessageView }) {
  const word = useWords();
  const { actor, created, updated, worker, parent, status, labels, project } = message;
  const rests = status === 'done' || status === 'rolled_back';
  return (
    <dl className="flex flex-wrap gap-x-6 gap-y-1 text-xs [&_dd]:text-soft [&_dt]:text-faint [&_dt]:shrink-0 [&>div]:flex [&>div]:gap-1.5">
      <div>
        <dt>{word('message.actor')}</dt>
        <dd>{actor}</dd>
      </div>
      <div>
        <dt>{word('message.created')}</dt>
        <dd>
          <Age at={created} />
        </dd>
      </div>
      {rests && (
        <div>
          <dt>{word('message.took')}</dt>
          <dd>{exactLength(Date.parse(updated) - Date.parse(created))}</dd>
        </div>
      )}
      {project !== 'default' && (
        <div>
          <dt>{word('message.project')}</dt>
          <dd>{project}</dd>
        </div>
      )}
      {Object.keys(labels).length > 0 && (
        <div>
          <dt>{word('messages.labels')}</dt>
          <dd className="font-mono wrap-anywhere">
            {Object.entries(labels)
              .map(([name, value]) => `${name}=${value}`)
              .join(' ')}
          </dd>
        </div>
      )}
      {worker !== null && (
        <div>
          <dt>{word('message.worker')}</dt>
          <dd className="font-mono">{worker}</dd>
        </div>
      )}
      {parent !== null && (
        <div>
          <dt>{word('message.parent')}</dt>
          <dd>
            <Link
              to="/messages/$msgid"
              params={{ msgid: String(parent.msgid) }}
              className="font-mono text-accent underline-offset-2 hover:underline"
            >
              {parent.msgid}
            </Link>
          </dd>
        </div>
      )}
    </dl>
  );
}

/** Why it turned back, why a person is needed, or what it waits for. */
function Reasons({ message }: { message: MessageView }) {
  const word = useWords();
  const { error, undoError, ask, status, cause } = message;
  return (
    <>
      {undoError && (
        <Banner tone="bad" title={word('message.parkedBy')}>
          {undoError.reason} <span className="font-mono text-xs">({undoError.code})</span>
        </Banner>
      )}
      {(error ?? cause) && (
        <Banner tone="back" title={word(cause === null ? 'message.failed' : `cause.${cause}`)}>
          {error?.reason} {error && <span className="font-mono text-xs">({error.code})</span>}
        </Banner>
      )}
      {ask && (
        <Banner
          tone="back"
          title={word('message.asked', { verb: word(`verb.${ask.kind}`), actor: ask.actor })}
        >
          {ask.reason}
        </Banner>
      )}
      <Approval message={message} />
      {(status === 'queued' || status === 'waiting') && !awaitsPerson(message) && (
        <Waiting msgid={message.msgid} />
      )}
    </>
  );
}

function Waiting({ msgid }: { msgid: number }) {
  const word = useWords();
  const why = useWhy(msgid).data;
  if (why === undefined) return null;
  return (
    <Banner tone="wait" title={word('message.waits')}>
      <TextWithTimes text={why.reason} />
    </Banner>
  );
}
