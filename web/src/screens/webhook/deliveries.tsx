import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { DeliveryView, WebhookView } from '../../../../src/api/webhook/webhook.ts';
import { retryDeliveries, useDeliveries } from '../../api/webhooks.ts';
import { useMay } from '../../api/whoami.ts';
import { Badge, type Tone } from '../../parts/badge.tsx';
import { Button } from '../../parts/button.tsx';
import { Command } from '../../parts/command/command.tsx';
import { Empty, Loading, ProblemNotice } from '../../parts/notice.tsx';
import { useTab } from '../../parts/tabs/shown.ts';
import { Tabs } from '../../parts/tabs/tabs.tsx';
import { Age } from '../../parts/time/age.tsx';
import { useWords } from '../../words/words.ts';

const SHOWN = ['all', 'pending', 'dead', 'delivered'] as const;
const TONES: Readonly<Record<DeliveryView['state'], Tone>> = {
  pending: 'wait',
  delivered: 'good',
  dead: 'bad',
};

/** What was sent to a webhook, what waits, and what was given up. */
export function Deliveries({ webhook: { id, project } }: { webhook: WebhookView }) {
  const word = useWords();
  const [shown, setShown] = useTab(SHOWN);
  const { rows, error, refetch, more } = useDeliveries(id, shown === 'all' ? null : shown);
  const [refused, setRefused] = useState<Error | null>(null);
  const mayRetry = useMay('operate', project);
  const retry = (delivery?: string): void => {
    setRefused(null);
    retryDeliveries(id, delivery).catch(cause => setRefused(cause as Error));
  };
  const blocked = mayRetry ? null : word('blocked.nowhere');
  return (
    <section aria-label={word('deliveries.title')} className="card min-w-0">
      <h2 className="px-3 pt-3 font-semibold">{word('deliveries.title')}</h2>
      <Tabs
        label={word('deliveries.title')}
        tabs={SHOWN.map(name => ({ name, label: word(`deliveries.${name}`) }))}
        current={shown}
        onPick={setShown}
      >
        {shown === 'dead' && rows !== undefined && rows.length > 0 && (
          <div className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b px-3 py-2">
            <Button blocked={blocked} onClick={() => retry()}>
              {word('deliveries.retryAll')}
            </Button>
            <Command text={`coax webhook retry ${id}`} />
          </div>
        )}
        {(error ?? refused) && (
          <div className="p-3">
            <ProblemNotice error={(error ?? refused)!} onRetry={() => void refetch()} />
          </div>
        )}
        {rows === undefined ? (
          !error && <Loading />
        ) : rows.length === 0 ? (
          <Empty title={word(shown === 'all' ? 'deliveries.none' : 'deliveries.noneFit')}>
            {shown === 'all' && word('deliveries.noneAbout')}
          </Empty>
        ) : (
          <DeliveryTable
            rows={rows}
            again={({ id: delivery, state }) =>
              state === 'dead' && (
                <Button
                  blocked={blocked}
                  onClick={() => retry(delivery)}
                  title={`coax webhook retry ${id} ${delivery}`}
                >
                  {word('deliveries.retry')}
                </Button>
              )
            }
          />
        )}
        {more !== null && (
          <div className="p-2 text-center">
            <Button onClick={more}>{word('deliveries.more')}</Button>
          </div>
        )}
      </Tabs>
    </section>
  );
}

interface DeliveryTableProps {
  readonly rows: readonly DeliveryView[];
  readonly again: (delivery: DeliveryView) => ReactNode;
}

function DeliveryTable({ rows, again }: DeliveryTableProps) {
  const word = useWords();
  const head = ['event', 'message', 'state', 'attempts', 'result', 'when'] as const;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what is wider than the screen is scrolled by the keyboard, too
    <section tabIndex={0} aria-label={word('deliveries.title')} className="relative overflow-x-auto">
      <table className="w-full text-left">
        <thead className="text-xs text-soft">
          <tr className="border-b">
            {head.map(name => (
              <th key={name} scope="col" className="px-3 py-1.5 font-medium whitespace-nowrap">
                {word(`deliveries.${name}`)}
              </th>
            ))}
            <th scope="col">
              <span className="sr-only">{word('deliveries.retry')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(delivery => (
            <tr
              key={delivery.id}
              data-delivery={delivery.state}
              className="border-b border-line/60 last:border-0"
            >
              <td className="px-3 py-1.5 font-mono text-xs whitespace-nowrap">
                {delivery.type.replace('coax.', '')}
              </td>
              <td className="px-3 py-1.5">
                {delivery.msgid !== null && (
                  <Link
                    to="/messages/$msgid"
                    params={{ msgid: String(delivery.msgid) }}
                    className="text-accent underline underline-offset-2"
                  >
                    {delivery.msgid}
                  </Link>
                )}
              </td>
              <td className="px-3 py-1.5">
                <Badge tone={TONES[delivery.state]}>{word(`deliveries.is.${delivery.state}`)}</Badge>
              </td>
              <td className="px-3 py-1.5">{delivery.attempts}</td>
              <td className="max-w-80 min-w-40 px-3 py-1.5 break-words">{delivery.result}</td>
              <td className="px-3 py-1.5 whitespace-nowrap text-soft">
                <When delivery={delivery} />
              </td>
              <td className="px-3 py-1 text-right">{again(delivery)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** When it was tried last; of what was not taken yet, when it is tried next. */
function When({ delivery: { nextAt, updated } }: { delivery: DeliveryView }) {
  const word = useWords();
  if (nextAt === null || Date.parse(nextAt) <= Date.now()) return <Age at={updated} />;
  return (
    <time dateTime={nextAt}>{word('deliveries.next', { time: new Date(nextAt).toLocaleTimeString() })}</time>
  );
}
