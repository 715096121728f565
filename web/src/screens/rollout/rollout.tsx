import { Link, useParams } from '@tanstack/react-router';
import type { MessageView } from '../../../../src/api/message.ts';
import type { RolloutView } from '../../../../src/api/package/rollout.ts';
import { useMessage } from '../../api/message.ts';
import { ROLLOUT_FLOW, useRollout } from '../../api/packages.ts';
import { Badge, StatusBadge } from '../../parts/badge.tsx';
import { useCommand } from '../../parts/command/command-line.tsx';
import { Empty, Loading } from '../../parts/notice.tsx';
import { FaultScreen } from '../../parts/screen/fault-screen.tsx';
import { NotFound } from '../../parts/screen/not-found.tsx';
import { Screen } from '../../parts/screen/screen.tsx';
import { useWords, type word as Word } from '../../words/words.ts';
import { ApproveButtons, useDecision } from '../approval/approve-buttons.tsx';
import { FailedHosts, Progress } from './progress.tsx';
import { Waves } from './waves.tsx';

/** One rollout, as it goes: its waves, what failed of what may, and the person's word where it waits for one. */
export function Rollout() {
  const { msgid } = useParams({ from: '/rollouts/$msgid' });
  if (!/^\d{1,15}$/.test(msgid)) return <NotFound />;
  return <RolloutOf key={msgid} msgid={Number(msgid)} />;
}

function RolloutOf({ msgid }: { msgid: number }) {
  const word = useWords();
  const { data: rollout, error, refetch } = useRollout(msgid);
  const message = useMessage(msgid);
  useCommand(`coax rollout show ${msgid}`);
  const fault = error ?? message.error;
  if (fault !== null) {
    return <FaultScreen name={String(msgid)} list="/packages" error={fault} onRetry={() => void refetch()} />;
  }
  if (rollout === undefined || message.data === undefined) return <Loading />;
  if (rollout === null) {
    const { status, error: why, flow } = message.data.message;
    if (flow !== ROLLOUT_FLOW) return <NotOne msgid={msgid} flow={flow} />;
    return (
      <Screen title={word('rollout.title', { msgid })} actions={<StatusBadge status={status} />}>
        <div className="card">
          <Empty title={word('rollout.notBegun')}>
            {why?.reason} <MessageLink msgid={msgid} />
          </Empty>
        </div>
      </Screen>
    );
  }
  return <RolloutScreen rollout={rollout} message={message.data.message} />;
}

/** The message is there, and of another flow. */
function NotOne({ msgid, flow }: { msgid: number; flow: string }) {
  const word = useWords();
  return (
    <Screen title={word('rollout.title', { msgid })}>
      <div className="card">
        <Empty title={word('rollout.notOne', { msgid, flow })}>
          <MessageLink msgid={msgid} />
        </Empty>
      </div>
    </Screen>
  );
}

function RolloutScreen({ rollout, message }: { rollout: RolloutView; message: MessageView }) {
  const word = useWords();
  const { msgid, paused, state } = rollout;
  const [dialog, decide] = useDecision();
  const waits = paused && state === 'under_way';
  return (
    <Screen
      title={`${rollout.package}@${rollout.version}`}
      actions={
        <>
          <StateBadge rollout={rollout} message={message} />
          <MessageLink msgid={msgid} />
          {waits && (
            <ApproveButtons
              question={{
                msgid,
                project: message.project,
                name: `${rollout.package}@${rollout.version}`,
                head: null,
                about: { approve: word('rollout.approveAbout'), reject: word('rollout.rejectAbout') },
              }}
              onDecide={decide}
              className="md:ml-auto"
            />
          )}
        </>
      }
    >
      {waits && (
        <p role="status" className="rounded-lg border border-wait/40 bg-wait-soft px-3 py-2 text-wait">
          {word('rollout.waits', { wave: waveName(rollout, word) })}
        </p>
      )}
      {message.error && (
        <p role="status" className="rounded-lg border border-back/40 bg-back-soft px-3 py-2 text-back">
          {word('rollout.back', { reason: message.error.reason, n: rollout.hosts.undone })}
        </p>
      )}
      <Progress rollout={rollout} />
      <Waves rollout={rollout} />
      <FailedHosts rollout={rollout} />
      {dialog}
    </Screen>
  );
}

function waveName({ waves, wave }: RolloutView, word: typeof Word): string {
  const name = waves[wave]?.name ?? '';
  return name === 'canary' ? word('rollout.canaryWave') : name;
}

function StateBadge({ rollout: { state, paused }, message }: { rollout: RolloutView; message: MessageView }) {
  const word = useWords();
  if (message.status === 'parked') return <StatusBadge status="parked" />;
  if (state === 'done') return <Badge tone="good">{word('rollout.is.done')}</Badge>;
  if (state === 'undone' || message.mode === 'rollback')
    return (
      <Badge tone="back">
        {word(message.status === 'rolled_back' ? 'rollout.is.undone' : 'rollout.is.back')}
      </Badge>
    );
  return paused ? (
    <Badge tone="wait">{word('rollout.is.paused')}</Badge>
  ) : (
    <Badge tone="busy">{word('rollout.is.under_way')}</Badge>
  );
}

function MessageLink({ msgid }: { msgid: number }) {
  const word = useWords();
  return (
    <Link
      to="/messages/$msgid"
      params={{ msgid: String(msgid) }}
      className="text-accent underline underline-offset-2"
    >
      {word('rollout.message', { msgid })}
    </Link>
  );
}
