import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useMessage } from '../../api/message.ts';
import { StatusBadge } from '../../parts/badge.tsx';
import { useCommand } from '../../parts/command/command-line.tsx';
import { Loading, ProblemNotice } from '../../parts/notice.tsx';
import { Screen } from '../../parts/screen.tsx';
import { Tabs } from '../../parts/tabs.tsx';
import { useWords } from '../../words/words.ts';
import { Blame } from './blame.tsx';
import { PlanLine } from './plan-line.tsx';

const TABS = ['plan', 'parameters'] as const;
type TabName = (typeof TABS)[number];

/** One message. */
export function Message() {
  const msgid = Number(useParams({ from: '/messages/$msgid' }).msgid);
  const word = useWords();
  const [tab, setTab] = useState<TabName>('plan');
  const { data: message, error, refetch } = useMessage(msgid);
  useCommand(`coax log ${msgid}`);
  if (error && message === undefined) {
    return (
      <div className="p-4">
        <ProblemNotice error={error} onRetry={() => void refetch()} />
      </div>
    );
  }
  if (message === undefined) return <Loading />;
  return (
    <Screen
      title={
        <>
          {message.flow} <span className="font-mono text-soft">{msgid}</span>
        </>
      }
      actions={<StatusBadge status={message.status} />}
    >
      <Tabs
        label={word('message.parts')}
        tabs={TABS.map(name => ({ name, label: word(`message.${name}`) }))}
        current={tab}
        onPick={setTab}
      >
        {tab === 'plan' ? <PlanLine message={message} /> : <Blame msgid={msgid} />}
      </Tabs>
    </Screen>
  );
}
