import { Link } from '@tanstack/react-router';
import { useApprovals } from '../../api/approvals.ts';
import { useRollouts } from '../../api/packages.ts';
import { Badge, StatusBadge } from '../../parts/badge.tsx';
import { Age } from '../../parts/time/age.tsx';
import { useWords } from '../../words/words.ts';
import { CELL, PlainTable, ROW } from './plain-table.tsx';

/** Rollouts, newest first; nothing when there is none. */
export function RolloutList() {
  const word = useWords();
  const items = useRollouts().data?.items ?? [];
  const toApprove = new Set(useApprovals().data?.items.map(({ parent }) => parent?.msgid));
  if (items.length === 0) return null;
  const head = ['package', 'on', 'state', 'message', 'age'] as const;
  return (
    <section aria-labelledby="rollouts" className="card min-w-0">
      <h2 id="rollouts" className="px-3 pt-3 pb-1 font-semibold">
        {word('rollouts.title')}
      </h2>
      <PlainTable label={word('rollouts.title')} head={head.map(name => word(`rollouts.${name}`))}>
        {items.map(({ msgid, parameters, status, created }) => (
          <tr key={msgid} className={ROW}>
            <td className={`${CELL} whitespace-nowrap`}>
              <Link
                to="/rollouts/$msgid"
                params={{ msgid: String(msgid) }}
                className="font-medium text-accent underline underline-offset-2"
              >
                {String(parameters.package)}@{String(parameters.version)}
              </Link>
            </td>
            <td className={`${CELL} max-w-60 truncate font-mono text-xs`}>{String(parameters.on)}</td>
            <td className={CELL}>
              {toApprove.has(msgid) ? (
                <Badge tone="bad">{word('status.approval')}</Badge>
              ) : (
                <StatusBadge status={status} />
              )}
            </td>
            <td className={CELL}>
              <Link
                to="/messages/$msgid"
                params={{ msgid: String(msgid) }}
                className="font-mono text-accent underline underline-offset-2"
              >
                {msgid}
              </Link>
            </td>
            <td className={`${CELL} text-soft`}>
              <Age at={created} />
            </td>
          </tr>
        ))}
      </PlainTable>
    </section>
  );
}
