import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import type { WebhookMade, WebhookView } from '../../../../src/api/webhook/webhook.ts';
import { editWebhook, testWebhook, useWebhook, type WebhookRead } from '../../api/webhooks.ts';
import { useMay } from '../../api/whoami.ts';
import { Button } from '../../parts/button.tsx';
import { useCommand } from '../../parts/command/command-line.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Loading, ProblemNotice } from '../../parts/notice.tsx';
import { FaultScreen } from '../../parts/screen/fault-screen.tsx';
import { Screen } from '../../parts/screen/screen.tsx';
import { Age } from '../../parts/time/age.tsx';
import { useWords } from '../../words/words.ts';
import { SecretDialog } from '../webhooks/secret-dialog.tsx';
import { WebhookState } from '../webhooks/webhook-state.tsx';
import { Deliveries } from './deliveries.tsx';
import { WebhookDeed, type WebhookDeedName } from './webhook-deed.tsx';
import { WebhookEditForm } from './webhook-edit.tsx';

/** One webhook: what it hears of, what became of what was sent, and what a person may do with it. */
export function Webhook() {
  const { webhook: id } = useParams({ from: '/webhooks/$webhook' });
  const { data, error, refetch } = useWebhook(id);
  useCommand(`coax webhook deliveries ${id}`);
  if (error !== null) {
    return <FaultScreen name={id} list="/webhooks" error={error} onRetry={() => void refetch()} />;
  }
  return data === undefined ? <Loading /> : <WebhookScreen key={id} read={data} />;
}

function WebhookScreen({ read }: { read: WebhookRead }) {
  const { webhook } = read;
  const word = useWords();
  const navigate = useNavigate();
  const [deed, setDeed] = useState<WebhookDeedName | 'edit' | null>(null);
  const [rotated, setRotated] = useState<WebhookMade | null>(null);
  return (
    <Screen
      title={webhook.url}
      actions={
        <>
          <WebhookState state={webhook.state} />
          <Deeds read={read} onDeed={setDeed} />
        </>
      }
    >
      {webhook.reason !== '' && (
        <p className="rounded-lg border border-bad/40 bg-bad-soft px-3 py-2 text-bad">
          {word('webhook.disabledWhy', { reason: webhook.reason })}
        </p>
      )}
      <div className="card p-3">
        <WebhookFacts webhook={webhook} />
      </div>
      <Deliveries webhook={webhook} />
      {deed === 'edit' && (
        <WebhookEditForm read={read} onDone={() => setDeed(null)} onClose={() => setDeed(null)} />
      )}
      {deed !== null && deed !== 'edit' && (
        <WebhookDeed
          name={deed}
          webhook={webhook}
          onClose={() => setDeed(null)}
          onRotated={made => {
            setDeed(null);
            setRotated(made);
          }}
          onRemoved={() => void navigate({ to: '/webhooks' })}
        />
      )}
      {rotated !== null && <SecretDialog made={rotated} rotated onClose={() => setRotated(null)} />}
    </Screen>
  );
}

interface DeedsProps {
  readonly read: WebhookRead;
  readonly onDeed: (name: WebhookDeedName | 'edit') => void;
}

function Deeds({ read, onDeed }: DeedsProps) {
  const { id, state, project } = read.webhook;
  const word = useWords();
  const mayChange = useMay('admin', project);
  const mayTest = useMay('operate', project);
  const [error, setError] = useState<Error | null>(null);
  const blocked = mayChange ? null : word('blocked.webhooks');
  const act = (work: Promise<unknown>): void => {
    setError(null);
    work.catch(cause => setError(cause as Error));
  };
  return (
    <>
      <fieldset className="flex flex-wrap gap-1.5 md:ml-auto">
        <legend className="sr-only">{word('webhook.deeds')}</legend>
        <Button blocked={mayTest ? null : word('blocked.nowhere')} onClick={() => act(testWebhook(id))}>
          {word('webhook.do.test')}
        </Button>
        <Button blocked={blocked} onClick={() => onDeed('edit')}>
          {word('webhook.do.edit')}
        </Button>
        <Button
          blocked={blocked}
          onClick={() => act(editWebhook(read, { state: state === 'active' ? 'disabled' : 'active' }))}
        >
          {word(state === 'active' ? 'webhook.do.disable' : 'webhook.do.enable')}
        </Button>
        <Button blocked={blocked} onClick={() => onDeed('rotate')}>
          {word('webhook.do.rotate')}
        </Button>
        <Button kind="danger" blocked={blocked} onClick={() => onDeed('remove')}>
          {word('webhook.do.remove')}
        </Button>
      </fieldset>
      {error && (
        <div className="w-full">
          <ProblemNotice error={error} />
        </div>
      )}
    </>
  );
}

function WebhookFacts({ webhook }: { webhook: WebhookView }) {
  const word = useWords();
  return (
    <Facts
      rows={[
        [word('webhook.events'), webhook.events.map(event => word(`webhook.event.${event}`)).join(', ')],
        [word('webhook.flow'), webhook.flow ?? word('messages.anyFlow')],
        [word('message.project'), webhook.project],
        [
          word('webhook.id'),
          <span key="id" className="font-mono text-xs">
            {webhook.id}
          </span>,
        ],
        [word('webhook.by'), webhook.actor],
        [word('vm.age'), <Age key="age" at={webhook.created} />],
      ]}
    />
  );
}
