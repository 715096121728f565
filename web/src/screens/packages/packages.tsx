import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { usePackages } from '../../api/packages.ts';
import { useMay } from '../../api/whoami.ts';
import { Button } from '../../parts/button.tsx';
import { useCommand } from '../../parts/command/command-line.tsx';
import { Empty, Loading, ProblemNotice } from '../../parts/notice.tsx';
import { Screen } from '../../parts/screen/screen.tsx';
import { useWords } from '../../words/words.ts';
import { PublishedTable } from './published-table.tsx';
import { RolloutForm } from './rollout-form.tsx';
import { RolloutList } from './rollout-list.tsx';
import { StandingCard } from './standing-card.tsx';

/** Packages of hosts: what is published, what is on its way, and what stands where. */
export function Packages() {
  const word = useWords();
  const navigate = useNavigate();
  const { data, error, refetch } = usePackages();
  const mayStart = useMay('operate', '*');
  const [wanted, setWanted] = useState<string | null>(null);
  useCommand('coax package ls');
  const blocked = mayStart ? null : word('blocked.hosts');
  const items = data?.items ?? [];
  return (
    <Screen
      title={word('nav.packages')}
      actions={
        <Button
          kind="main"
          className="ml-auto"
          blocked={blocked ?? (items.length === 0 ? word('packages.none') : null)}
          onClick={() => setWanted('')}
        >
          {word('rollout.new')}
        </Button>
      }
    >
      {error && <ProblemNotice error={error} onRetry={() => void refetch()} />}
      <RolloutList />
      <section aria-labelledby="published" className="card min-w-0">
        <h2 id="published" className="px-3 pt-3 pb-1 font-semibold">
          {word('packages.published')}
        </h2>
        {data === undefined ? (
          !error && <Loading />
        ) : items.length === 0 ? (
          <Empty title={word('packages.none')}>
            <code className="font-mono text-xs">coax package publish FILE --key KEY</code>
          </Empty>
        ) : (
          <PublishedTable packages={items} blocked={blocked} onRollOut={setWanted} />
        )}
      </section>
      <StandingCard blocked={blocked} />
      {wanted !== null && (
        <RolloutForm
          packages={items}
          wanted={wanted}
          onClose={() => setWanted(null)}
          onStarted={({ msgid }) =>
            void navigate({ to: '/rollouts/$msgid', params: { msgid: String(msgid) } })
          }
        />
      )}
    </Screen>
  );
}
