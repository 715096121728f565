import { Link, useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import type { WebhookMade, WebhookView } from '../../../../src/api/webhook/webhook.ts';
import { useWebhooks } from '../../api/webhooks.ts';
import { useProjects } from '../../api/whoami.ts';
import { Button } from '../../parts/button.tsx';
import { useCommand } from '../../parts/command/command-line.tsx';
import { useNarrow } from '../../parts/narrow.ts';
import { Empty, Loading, ProblemNotice } from '../../parts/notice.tsx';
import { Screen } from '../../parts/screen/screen.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { useWords, type word as Word } from '../../words/words.ts';
import { SecretDialog } from './secret-dialog.tsx';
import { WebhookForm } from './webhook-form.tsx';
import { WebhookState } from './webhook-state.tsx';

const idOf = ({ id }: WebhookView): string => id;
const narrowRow = (webhook: WebhookView) => <NarrowWebhook webhook={webhook} />;

/** Where events of messages are sent. */
export function Webhooks() {
  const word = useWords();
  const narrow = useNarrow();
  const navigate = useNavigate();
  const { data, error, refetch } = useWebhooks();
  const projects = useProjects('admin');
  const [isOpen, setOpen] = useState(false);
  const [made, setMade] = useState<WebhookMade | null>(null);
  useCommand('coax webhook ls');
  // biome-ignore lint/correctness/useExhaustiveDependencies: the words change with the language
  const columns = useMemo(() => columnsOf(word), [word, word('webhook.url')]);
  return (
    <Screen
      fill
      title={word('nav.webhooks')}
      actions={
        <Button
          kind="main"
          icon="create"
          className="ml-auto"
          blocked={projects.length === 0 ? word('blocked.webhooks') : null}
          onClick={() => setOpen(true)}
        >
          {word('webhooks.new')}
        </Button>
      }
    >
      {error && <ProblemNotice error={error} onRetry={() => void refetch()} />}
      <div className="card relative min-h-0 flex-1 overflow-hidden">
        {data === undefined ? (
          !error && <Loading />
        ) : data.items.length === 0 ? (
          <Empty title={word('webhooks.none')}>{word('webhooks.about')}</Empty>
        ) : (
          <Table
            label={word('nav.webhooks')}
            columns={columns}
            rows={data.items}
            keyOf={idOf}
            narrow={narrowRow}
            isNarrow={narrow}
          />
        )}
      </div>
      {isOpen && (
        <WebhookForm
          projects={projects}
          onClose={() => setOpen(false)}
          onMade={webhook => {
            setOpen(false);
            setMade(webhook);
          }}
        />
      )}
      {made !== null && (
        <SecretDialog
          made={made}
          onClose={() => void navigate({ to: '/webhooks/$webhook', params: { webhook: made.id } })}
        />
      )}
    </Screen>
  );
}

function columnsOf(word: typeof Word): Column<WebhookView>[] {
  return [
    {
      name: 'url',
      head: word('webhook.url'),
      width: 'minmax(14rem,3fr)',
      cell: webhook => <WebhookLink webhook={webhook} />,
    },
    {
      name: 'state',
      head: word('vm.state'),
      width: '6rem',
      cell: ({ state }) => <WebhookState state={state} />,
    },
    {
      name: 'events',
      head: word('webhook.events'),
      width: 'minmax(10rem,2fr)',
      cell: ({ events }) => events.map(event => word(`webhook.event.${event}`)).join(', '),
    },
    {
      name: 'flow',
      head: word('webhook.flow'),
      width: 'minmax(7rem,1fr)',
      cell: ({ flow }) => flow ?? <span className="text-faint">{word('messages.anyFlow')}</span>,
    },
    {
      name: 'project',
      head: word('message.project'),
      width: 'minmax(6rem,1fr)',
      cell: ({ project }) => project,
    },
    { name: 'id', head: word('webhook.id'), width: '11.5rem', cell: ({ id }) => <Id id={id} /> },
  ];
}

const Id = ({ id }: { id: string }) => <span className="font-mono text-xs text-soft">{id}</span>;

function WebhookLink({ webhook: { id, url } }: { webhook: WebhookView }) {
  return (
    <Link
      to="/webhooks/$webhook"
      params={{ webhook: id }}
      preload={false}
      className="font-medium text-accent after:absolute after:inset-0"
    >
      {url}
    </Link>
  );
}

function NarrowWebhook({ webhook }: { webhook: WebhookView }) {
  const word = useWords();
  return (
    <div className="grid grid-cols-1 gap-1">
      <div className="flex items-center gap-2">
        <span className="min-w-0 flex-1 truncate">
          <WebhookLink webhook={webhook} />
        </span>
        <WebhookState state={webhook.state} />
      </div>
      <div className="truncate text-xs text-soft">
        {webhook.project} · {webhook.events.map(event => word(`webhook.event.${event}`)).join(', ')}
      </div>
    </div>
  );
}
