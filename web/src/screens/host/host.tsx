import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import type { HostShow } from '../../../../src/api/host.ts';
import type { MessageView } from '../../../../src/api/message.ts';
import { useFleetMap, useHost, useVmsOf } from '../../api/fleet.ts';
import { useMay } from '../../api/whoami.ts';
import { Badge } from '../../parts/badge.tsx';
import { Button } from '../../parts/button.tsx';
import { Capacity, memoryText } from '../../parts/capacity.tsx';
import { useCommand } from '../../parts/command/command-line.tsx';
import { DeedDialog } from '../../parts/deed-dialog.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Empty, Loading } from '../../parts/notice.tsx';
import { FaultScreen } from '../../parts/screen/fault-screen.tsx';
import { Screen } from '../../parts/screen/screen.tsx';
import { Age } from '../../parts/time/age.tsx';
import { TextWithTimes } from '../../parts/time/text-with-times.tsx';
import { useWords } from '../../words/words.ts';
import { HostStateBadge } from '../hosts/host-state.tsx';
import { Accepted } from '../vm/accepted.tsx';
import { VmStateBadge } from '../vms/vm-state.tsx';
import { HOST_DEEDS, type HostDeedName, hostBlocked, hostDeed } from './host-deeds.tsx';

/** One host: how full it is, of what, how its agent is, and what a person may do with it. */
export function Host() {
  const { host } = useParams({ from: '/hosts/$host' });
  return <HostOf key={host} name={host} />;
}

function HostOf({ name }: { name: string }) {
  const { data, error, refetch } = useHost(name);
  useCommand(`coax host show ${name}`);
  if (data !== undefined) return <HostScreen host={data} />;
  if (error === null) return <Loading />;
  return <FaultScreen name={name} list="/hosts" error={error} onRetry={() => void refetch()} />;
}

function HostScreen({ host }: { host: HostShow }) {
  const word = useWords();
  // Hosts are of the whole installation.
  const mayDo = useMay('operate', '*');
  const [deed, setDeed] = useState<HostDeedName | null>(null);
  const [done, setDone] = useState<MessageView | null>(null);
  const map = useFleetMap().data;
  const up = map?.states.indexOf('up') ?? 0;
  const others = map?.name.filter((name, row) => map.state[row] === up && name !== host.name).length ?? 0;
  const vms = host.claims.filter(({ vm }) => vm !== null).length;
  return (
    <Screen
      title={host.name}
      actions={
        <>
          <span className="flex gap-1.5">
            <HostStateBadge state={host.state} />
            {host.simulated && <Badge>{word('message.simulated')}</Badge>}
          </span>
          <fieldset className="flex flex-wrap gap-1.5 md:ml-auto">
            <legend className="sr-only">{word('host.deeds')}</legend>
            {HOST_DEEDS.map(name => (
              <Button
                key={name}
                kind={name === 'lost' ? 'danger' : 'plain'}
                blocked={mayDo ? hostBlocked(name, host, word) : word('blocked.hosts')}
                onClick={() => setDeed(name)}
              >
                {word(`host.do.${name}`)}
              </Button>
            ))}
          </fieldset>
        </>
      }
    >
      {done && <Accepted message={done} />}
      {host.reason !== '' && (
        <p className="rounded-lg border bg-back-soft px-3 py-2 text-back">
          <TextWithTimes text={host.reason} />
        </p>
      )}
      {host.state !== 'down' && host.agent?.returnsUntil && (
        <p role="status" className="rounded-lg border bg-wait-soft px-3 py-2 text-wait">
          <TextWithTimes text={word('host.returns', { until: host.agent.returnsUntil })} />
        </p>
      )}
      <div className="grid items-start gap-3 md:grid-cols-2">
        <HostCapacity host={host} />
        <div className="card p-3">
          <HostFacts host={host} />
        </div>
      </div>
      <Claims host={host} />
      {deed !== null && (
        <DeedDialog
          title={`${word(`host.do.${deed}`)} · ${host.name}`}
          deed={hostDeed(deed, host, { vms, others }, word)}
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

function HostCapacity({ host }: { host: HostShow }) {
  const word = useWords();
  const { cpu, memMib, diskMib, gpu } = host;
  const share = ({ used, free }: { used: number; free: number }): number =>
    used + free === 0 ? 0 : used / (used + free);
  const text = (used: string, all: string): string => word('host.of', { used, all });
  const gpus = gpu.total.reduce((sum, of) => sum + of, 0);
  const gpusUsed = gpu.used.reduce((sum, of) => sum + of, 0);
  return (
    <section aria-label={word('host.capacity')} className="card space-y-3 p-3">
      <Capacity
        label={word('vm.cpu')}
        share={share(cpu)}
        text={text(`${cpu.used}`, `${cpu.used + cpu.free}`)}
      />
      <Capacity
        label={word('vm.memory')}
        share={share(memMib)}
        text={text(memoryText(memMib.used), memoryText(memMib.used + memMib.free))}
      />
      {diskMib.total > 0 && (
        <Capacity
          label={word('host.disk')}
          share={share(diskMib)}
          text={text(memoryText(diskMib.used), memoryText(diskMib.used + diskMib.free))}
        />
      )}
      {gpus > 0 && (
        <Capacity
          label={`GPU ${gpu.model}`}
          share={gpusUsed / gpus}
          text={text(String(gpusUsed / 1000), String(gpus / 1000))}
        />
      )}
      <p className="text-2xs text-faint">{word('host.claimed')}</p>
    </section>
  );
}

function HostFacts({ host }: { host: HostShow }) {
  const word = useWords();
  const { agent } = host;
  const labels = Object.entries(host.labels).map(([name, value]) => `${name}=${value}`);
  return (
    <Facts
      rows={[
        [word('host.since'), host.since && <Age key="since" at={host.since} />],
        [word('host.zone'), host.zone],
        [word('host.rack'), host.rack],
        [word('host.labels'), labels.join(' ')],
        [
          word('host.hypervisor'),
          host.accelerator === 'none' ? host.hypervisor : `${host.hypervisor} ${host.accelerator}`,
        ],
        [word('host.owed'), host.owed > 0 ? host.owed : null],
        [
          word('host.agent'),
          agent && `${agent.version}, ${agent.address}${agent.revoked ? ` (${word('host.revoked')})` : ''}`,
        ],
        [word('host.report'), agent?.lastReport && <Age key="report" at={agent.lastReport} />],
        [
          // What a host said before it fell silent is not how it is now.
          word(host.state === 'up' || host.state === 'draining' ? 'host.live' : 'host.lastly'),
          agent?.live &&
            word('host.live.text', {
              load: agent.live.load1,
              mem: memoryText(agent.live.memAvailableMib),
              disk: memoryText(agent.live.diskFreeMib),
              n: agent.live.guestsRunning,
            }),
        ],
      ]}
    />
  );
}

/** What is taken of it, and by what. */
function Claims({ host }: { host: HostShow }) {
  const word = useWords();
  const vms = useVmsOf(host.name).data?.items ?? [];
  const states = new Map(vms.map(({ name, state }) => [name, state]));
  if (host.claims.length === 0)
    return (
      <div className="card">
        <Empty title={word('host.empty')} />
      </div>
    );
  return (
    <section aria-label={word('host.claims')} className="card overflow-x-auto p-3">
      <table className="w-full text-left">
        <caption className="pb-1 text-left font-semibold">
          {word('host.claims')} <span className="font-normal text-soft">{host.claims.length}</span>
        </caption>
        <thead className="text-xs text-soft">
          <tr>
            <th className="py-1 pr-3 font-medium">VM</th>
            <th className="py-1 pr-3 font-medium">{word('vm.state')}</th>
            <th className="py-1 pr-3 text-right font-medium">{word('vm.cpu')}</th>
            <th className="py-1 pr-3 text-right font-medium">{word('vm.memory')}</th>
            <th className="py-1 pr-3 text-right font-medium">{word('messages.msgid')}</th>
            <th className="py-1 text-right font-medium">{word('vm.age')}</th>
          </tr>
        </thead>
        <tbody>
          {host.claims.map(claim => (
            <tr key={`${claim.msgid} ${claim.vm} ${claim.created}`} className="border-t border-line/60">
              <td className="py-1 pr-3">
                {claim.vm === null ? (
                  <span className="text-soft">{word('host.reserved')}</span>
                ) : (
                  <Link
                    to="/vms/$vm"
                    params={{ vm: claim.vm }}
                    className="text-accent underline underline-offset-2"
                  >
                    {claim.vm}
                  </Link>
                )}
              </td>
              <td className="py-1 pr-3">
                {claim.vm !== null && states.has(claim.vm) && <VmStateBadge state={states.get(claim.vm)!} />}
              </td>
              <td className="py-1 pr-3 text-right">{claim.cpu}</td>
              <td className="py-1 pr-3 text-right whitespace-nowrap">{memoryText(claim.memMib)}</td>
              <td className="py-1 pr-3 text-right">
                <Link
                  to="/messages/$msgid"
                  params={{ msgid: String(claim.msgid) }}
                  className="font-mono text-accent underline underline-offset-2"
                >
                  {claim.msgid}
                </Link>
              </td>
              <td className="py-1 text-right text-xs text-soft">
                <Age at={claim.created} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
