import { Link, useParams } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import type { MessageView } from '../../../../src/api/message.ts';
import type { VmView } from '../../../../src/api/vm.ts';
import { useVm, useVmMessages } from '../../api/fleet.ts';
import { useMessage } from '../../api/message.ts';
import { useMay } from '../../api/whoami.ts';
import { Badge, StatusBadge } from '../../parts/badge.tsx';
import { Button } from '../../parts/button.tsx';
import { memoryText } from '../../parts/capacity.tsx';
import { useCommand } from '../../parts/command/command-line.tsx';
import { DeedDialog } from '../../parts/deed-dialog.tsx';
import { Facts } from '../../parts/facts.tsx';
import { part } from '../../parts/missing/missing-part.tsx';
import { Empty, Loading, ProblemNotice } from '../../parts/notice.tsx';
import { FaultScreen } from '../../parts/screen/fault-screen.tsx';
import { Screen } from '../../parts/screen/screen.tsx';
import { useTab } from '../../parts/tabs/shown.ts';
import { Tabs } from '../../parts/tabs/tabs.tsx';
import { Age } from '../../parts/time/age.tsx';
import { useWords } from '../../words/words.ts';
import { VmStateBadge } from '../vms/vm-state.tsx';
import { Accepted } from './accepted.tsx';
import { Placement } from './placement.tsx';
import { VM_DEEDS, type VmDeedName, vmBlocked, vmDeed } from './vm-deeds.tsx';

/** The terminal is as large as everything else together: it comes when it is looked at. */
const Serial = lazy(part(() => import('./serial/serial.tsx')));

const Use = lazy(part(() => import('./use/use.tsx')));

const TABS = ['console', 'use', 'history', 'why'] as const;
type TabName = (typeof TABS)[number];

const COMMANDS: Readonly<Record<TabName, (vm: VmView) => string>> = {
  console: vm => `coax vm console ${vm.name} -i`,
  use: vm => `coax top --vms --vm ${vm.name}`,
  history: vm => `coax log ${vm.msgid}`,
  why: vm => `coax why ${vm.msgid}`,
};

/** One VM: what it is, its serial console, what happened to it, and why it is where it is. */
export function Vm() {
  const { vm } = useParams({ from: '/vms/$vm' });
  return <VmOf key={vm} name={vm} />;
}

function VmOf({ name }: { name: string }) {
  const { data, error, refetch } = useVm(name);
  useCommand(`coax vm show ${name}`);
  if (data !== undefined && error === null) return <VmScreen vm={data} />;
  if (error === null) return <Loading />;
  return <FaultScreen name={name} list="/vms" error={error} onRetry={() => void refetch()} />;
}

function VmScreen({ vm }: { vm: VmView }) {
  const word = useWords();
  const mayDo = useMay('operate', vm.project);
  const [tab, setTab] = useTab(TABS);
  const [deed, setDeed] = useState<VmDeedName | null>(null);
  const [done, setDone] = useState<MessageView | null>(null);
  useCommand(COMMANDS[tab](vm));
  return (
    <Screen
      title={vm.name}
      actions={
        <>
          <span className="flex gap-1.5">
            <VmStateBadge state={vm.state} />
            {vm.simulated && <Badge>{word('message.simulated')}</Badge>}
          </span>
          <fieldset className="flex flex-wrap gap-1.5 md:ml-auto">
            <legend className="sr-only">{word('vm.deeds')}</legend>
            {VM_DEEDS.map(name => (
              <Button
                key={name}
                kind={name === 'remove' ? 'danger' : 'plain'}
                blocked={mayDo ? vmBlocked(name, vm, word) : word('blocked.viewer', { project: vm.project })}
                onClick={() => setDeed(name)}
              >
                {word(`vm.do.${name}`)}
              </Button>
            ))}
          </fieldset>
        </>
      }
    >
      {done && <Accepted message={done} />}
      <div className="card p-3">
        <VmFacts vm={vm} />
      </div>
      <Tabs
        label={word('vm.parts')}
        tabs={TABS.map(name => ({ name, label: word(`vm.tab.${name}`) }))}
        current={tab}
        onPick={setTab}
      >
        {tab === 'console' && <Line vm={vm} mayType={mayDo} />}
        {tab === 'use' && (
          <Suspense fallback={<Loading />}>
            <Use vm={vm.name} />
          </Suspense>
        )}
        {tab === 'history' && <History vm={vm} />}
        {tab === 'why' && <Placement msgid={vm.msgid} />}
      </Tabs>
      {deed !== null && (
        <DeedDialog
          title={`${word(`vm.do.${deed}`)} · ${vm.name}`}
          deed={vmDeed(deed, vm, word)}
          onClose={() => setDeed(null)}
          onDone={message => {
            setDone(message);
            setDeed(null);
          }}
        />
      )}
    </Screen>
  );
}

/** Its serial line; a simulated VM has none. */
function Line({ vm, mayType }: { vm: VmView; mayType: boolean }) {
  const word = useWords();
  if (vm.simulated)
    return (
      <div className="card">
        <Empty title={word('serial.simulated')} />
      </div>
    );
  return (
    <Suspense fallback={<Loading />}>
      <Serial vm={vm.name} running={vm.state === 'running'} mayType={mayType} />
    </Suspense>
  );
}

function VmFacts({ vm }: { vm: VmView }) {
  const word = useWords();
  return (
    <div className="grid gap-x-8 gap-y-1 md:grid-cols-2">
      <Facts
        rows={[
          [
            word('vm.host'),
            <Link
              key="host"
              to="/hosts/$host"
              params={{ host: vm.host }}
              className="text-accent underline underline-offset-2"
            >
              {vm.host}
            </Link>,
          ],
          [word('vm.address'), vm.ip === null ? null : `${vm.ip} (${vm.network ?? ''})`],
          [
            word('vm.page'),
            vm.url === null ? null : (
              <a
                key="url"
                href={vm.url}
                target="_blank"
                rel="noreferrer"
                className="text-accent underline underline-offset-2"
              >
                {vm.url}
              </a>
            ),
          ],
          [word('vm.size'), `${vm.cpu} CPU, ${memoryText(vm.memMib)}`],
        ]}
      />
      <Facts
        rows={[
          [word('vm.project'), vm.project],
          [
            word('vm.maker'),
            <Link
              key="maker"
              to="/messages/$msgid"
              params={{ msgid: String(vm.msgid) }}
              className="font-mono text-accent underline underline-offset-2"
            >
              {vm.msgid}
            </Link>,
          ],
          [word('vm.age'), <Age key="age" at={vm.created} />],
          [
            'UUID',
            <span key="uuid" className="font-mono text-xs">
              {vm.uuid}
            </span>,
          ],
        ]}
      />
    </div>
  );
}

/** Messages that made it and did something with it, newest first. */
function History({ vm }: { vm: VmView }) {
  const word = useWords();
  const maker = useMessage(vm.msgid).data?.message;
  const { data, error } = useVmMessages(vm.name);
  if (error) return <ProblemNotice error={error} />;
  if (data === undefined || maker === undefined) return <Loading />;
  return (
    <ol aria-label={word('vm.tab.history')} className="card divide-y divide-line/60">
      {[...data.filter(({ msgid }) => msgid > vm.msgid), maker].map(message => (
        <li key={message.msgid} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-3 py-2">
          <Link
            to="/messages/$msgid"
            params={{ msgid: String(message.msgid) }}
            className="font-mono text-accent underline underline-offset-2"
          >
            {message.msgid}
          </Link>
          <span className="font-medium">{message.flow}</span>
          <StatusBadge status={message.status} />
          <span className="text-soft">{message.actor}</span>
          <span className="ml-auto text-xs text-soft">
            <Age at={message.created} />
          </span>
        </li>
      ))}
    </ol>
  );
}
