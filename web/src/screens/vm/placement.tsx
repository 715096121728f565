import type { WhyView } from '../../../../src/api/message.ts';
import { useWhy } from '../../api/message.ts';
import { Loading, ProblemNotice } from '../../parts/notice.tsx';
import { useWords } from '../../words/words.ts';

/** Why a VM is where it is: which rules left how many hosts, and how the best of them were weighed. */
export function Placement({ msgid }: { msgid: number }) {
  const word = useWords();
  const { data, error, refetch } = useWhy(msgid);
  if (error) return <ProblemNotice error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Loading />;
  const { filters, candidates } = data;
  const most = Math.max(1, ...filters.map(({ before }) => before));
  const ruling = filters.filter(({ removed }) => removed > 0);
  const idle = filters.filter(({ removed }) => removed === 0).map(({ name }) => name);
  return (
    <section aria-label={word('why.title')} className="card space-y-3 p-3">
      <h2 className="font-semibold">{word('why.title')}</h2>
      <p className="break-words text-soft">{data.reason}</p>
      {ruling.length > 0 && <Rules rules={ruling} most={most} />}
      {idle.length > 0 && (
        <p className="text-xs text-soft">
          {word('why.idle')} <span className="font-mono">{idle.join(', ')}</span>
        </p>
      )}
      {candidates.length > 0 && <Candidates why={data} />}
    </section>
  );
}

/** Rules that left fewer hosts than there were, with some of those that they ruled out. */
function Rules({ rules, most }: { rules: WhyView['filters']; most: number }) {
  const word = useWords();
  return (
    <div className="overflow-x-auto">
      <table className="w-full text-left">
        <caption className="sr-only">{word('why.filters')}</caption>
        <thead className="text-xs text-soft">
          <tr>
            <th className="py-1 pr-3 font-medium">{word('why.filter')}</th>
            <th className="py-1 pr-3 font-medium">{word('why.left')}</th>
            <th className="py-1 font-medium">{word('why.removed')}</th>
          </tr>
        </thead>
        <tbody>
          {rules.map(({ name, after, removed, examples }) => (
            <tr key={name} className="border-t border-line/60 align-top">
              <td className="py-1 pr-3 font-mono text-xs">{name}</td>
              <td className="py-1 pr-3">
                <span className="flex items-center gap-2">
                  <span aria-hidden="true" className="h-2 w-20 overflow-hidden rounded-full bg-sunk">
                    <span className="block h-full bg-accent" style={{ width: `${(after / most) * 100}%` }} />
                  </span>
                  {after.toLocaleString('en')}
                </span>
              </td>
              <td className="py-1">
                <span className="font-medium text-back">−{removed.toLocaleString('en')}</span>
                <ul className="text-xs text-soft">
                  {examples.slice(0, 3).map(example => (
                    <li key={example.host}>
                      {example.host}: {example.reason}
                    </li>
                  ))}
                </ul>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The best hosts that were left, with what each weigher made of them. */
function Candidates({ why: { candidates, weighers, host } }: { why: WhyView }) {
  const word = useWords();
  return (
    <div className="overflow-x-auto">
      <table className="w-full text-left">
        <caption className="py-1 text-left text-xs font-medium text-soft">{word('why.candidates')}</caption>
        <thead className="text-xs text-soft">
          <tr>
            <th className="py-1 pr-3 font-medium">{word('vm.host')}</th>
            <th className="py-1 pr-3 text-right font-medium">{word('why.score')}</th>
            {weighers.map(({ name, multiplier }) => (
              <th key={name} className="py-1 pr-3 text-right font-mono font-medium">
                {name} × {multiplier}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {candidates.map(candidate => (
            <tr key={candidate.host} className="border-t border-line/60">
              <td className="py-1 pr-3 whitespace-nowrap">
                {candidate.host}
                {candidate.host === host && <span className="ml-2 text-good">✓ {word('why.winner')}</span>}
              </td>
              <td className="py-1 pr-3 text-right">{numberText(candidate.score)}</td>
              {weighers.map(({ name }) => (
                <td key={name} className="py-1 pr-3 text-right text-soft">
                  {name in candidate.parts ? numberText(candidate.parts[name]!) : ''}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const numberText = (value: number): string => String(Math.round(value * 1000) / 1000);
