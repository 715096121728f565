import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { askHosts, type Standing } from '../../api/packages.ts';
import { Button } from '../../parts/button.tsx';
import { Command } from '../../parts/command/command.tsx';
import { ProblemNotice } from '../../parts/notice.tsx';
import { useWords } from '../../words/words.ts';
import { CELL, PlainTable, ROW } from './plain-table.tsx';

/** Which hosts run what: asked of the hosts themselves when a person wants to know. */
export function StandingCard({ blocked }: { blocked: string | null }) {
  const word = useWords();
  const [rows, setRows] = useState<readonly Standing[] | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const ask = (): void => {
    setBusy(true);
    setError(null);
    askHosts()
      .then(setRows, cause => setError(cause as Error))
      .finally(() => setBusy(false));
  };
  return (
    <section aria-labelledby="standing" className="card min-w-0" aria-busy={busy}>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 p-3">
        <h2 id="standing" className="font-semibold">
          {word('standing.title')}
        </h2>
        <Button blocked={blocked} disabled={busy} onClick={ask}>
          {word(busy ? 'standing.busy' : 'standing.ask')}
        </Button>
        <div className="min-w-0 md:ml-auto">
          <Command text="coax package ls --on all" />
        </div>
      </div>
      {error && (
        <div className="p-3">
          <ProblemNotice error={error} />
        </div>
      )}
      {rows === null ? (
        <p className="px-3 pb-3 text-soft">{word('standing.about')}</p>
      ) : rows.length === 0 ? (
        <p role="status" className="px-3 pb-3 text-soft">
          {word('standing.none')}
        </p>
      ) : (
        <StandingTable rows={rows} />
      )}
    </section>
  );
}

function StandingTable({ rows }: { rows: readonly Standing[] }) {
  const word = useWords();
  const head = ['host', 'package', 'version', 'before'] as const;
  return (
    <PlainTable label={word('standing.title')} head={head.map(name => word(`standing.${name}`))}>
      {rows.map(({ host, name, version, previous }) => (
        <tr key={`${host} ${name}`} data-standing className={ROW}>
          <td className={CELL}>
            <Link to="/hosts/$host" params={{ host }} className="text-accent underline underline-offset-2">
              {host}
            </Link>
          </td>
          <td className={CELL}>{name}</td>
          <td className={`${CELL} font-mono text-xs`}>{version ?? word('standing.removed')}</td>
          <td className={`${CELL} font-mono text-xs text-soft`}>{previous}</td>
        </tr>
      ))}
    </PlainTable>
  );
}
