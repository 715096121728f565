import type { VmUseHistory, VmUsePoint } from '../../../../../src/api/vm.ts';
import { useVmUse } from '../../../api/fleet.ts';
import { Loading, ProblemNotice } from '../../../parts/notice.tsx';
import { useNow } from '../../../parts/time/clock.ts';
import { useWords } from '../../../words/words.ts';
import { UseChart } from './use-chart.tsx';
import { percentText, rateText, sizeText } from './use-points.ts';

/** What a VM uses of its host: now, and in the last hour. */
export default function Use({ vm }: { vm: string }) {
  const word = useWords();
  const { data, error, refetch } = useVmUse(vm);
  if (error) return <ProblemNotice error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Loading />;
  if (data.use === null && data.history.length === 0)
    return <p className="card p-3 text-soft">{word(silence(data), { host: data.host })}</p>;
  return <Charts data={data} />;
}

function silence({ simulated, state }: VmUseHistory): 'use.simulated' | 'use.stopped' | 'use.silent' {
  if (simulated) return 'use.simulated';
  return state === 'stopped' ? 'use.stopped' : 'use.silent';
}

function Charts({ data: { use, history, host } }: { data: VmUseHistory }) {
  const word = useWords();
  const nowMs = useNow();
  const common = { points: history, nowMs, none: word('use.soon') };
  return (
    <div className="space-y-3" data-use-chart>
      {use === null && <p className="card p-3 text-soft">{word('use.silent', { host })}</p>}
      <div className="grid gap-3 md:grid-cols-2">
        <UseChart
          {...common}
          title={word('use.cpu')}
          text={percentText}
          lines={[
            {
              name: word('use.ofOneCpu'),
              figure: point => point.cpuPercent,
              now: use?.cpuPercent ?? null,
              look: 'first',
            },
          ]}
        />
        <UseChart
          {...common}
          title={word('use.memory')}
          text={sizeText}
          isBytes
          lines={[
            { name: 'PSS', figure: point => point.pssBytes, now: use?.pssBytes ?? null, look: 'first' },
            { name: 'RSS', figure: point => point.rssBytes, now: use?.rssBytes ?? null, look: 'second' },
          ]}
        />
        <UseChart
          {...common}
          title={word('use.disks')}
          text={rateText}
          isBytes
          lines={[
            {
              name: word('use.read'),
              figure: point => point.readBytesPerSecond,
              now: use?.readBytesPerSecond ?? null,
              look: 'first',
            },
            {
              name: word('use.written'),
              figure: point => point.writeBytesPerSecond,
              now: use?.writeBytesPerSecond ?? null,
              look: 'second',
            },
          ]}
        />
        <UseChart
          {...common}
          title={word('use.delay')}
          text={percentText}
          none={word(history.length === 0 ? 'use.soon' : 'use.uncounted')}
          lines={[
            {
              name: word('use.ofTheTime'),
              figure: point => point.ioDelayPercent,
              now: use?.ioDelayPercent ?? null,
              look: 'first',
            },
          ]}
        />
      </div>
      <UseTable history={history} />
    </div>
  );
}

/** The same in figures, for who cannot see the charts or wants to copy them. */
function UseTable({ history }: { history: readonly VmUsePoint[] }) {
  const word = useWords();
  const text = (value: number | null, of: (value: number) => string): string =>
    value === null ? '–' : of(value);
  return (
    <details className="card p-3">
      <summary className="text-xs text-soft">{word('use.table')}</summary>
      <div className="overflow-x-auto">
        <table className="w-full text-right text-xs">
          <thead className="text-soft">
            <tr>
              <th className="py-1 text-left font-medium">{word('use.until')}</th>
              <th className="font-medium">CPU</th>
              <th className="font-medium">PSS</th>
              <th className="font-medium">{word('use.read')}</th>
              <th className="font-medium">{word('use.written')}</th>
              <th className="font-medium">{word('use.delay')}</th>
            </tr>
          </thead>
          <tbody>
            {history.toReversed().map(point => (
              <tr key={point.at} className="border-t border-line/60">
                <td className="py-0.5 text-left">{new Date(point.at).toLocaleTimeString('en-GB')}</td>
                <td>{percentText(point.cpuPercent)}</td>
                <td>{text(point.pssBytes, sizeText)}</td>
                <td>{text(point.readBytesPerSecond, rateText)}</td>
                <td>{text(point.writeBytesPerSecond, rateText)}</td>
                <td>{text(point.ioDelayPercent, percentText)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
