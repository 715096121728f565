import { useBlame } from '../../api/message.ts';
import { Loading, ProblemNotice } from '../../parts/notice.tsx';
import { Output } from '../../parts/output.tsx';
import { jsonText } from '../../parts/value-text.ts';
import { useWords } from '../../words/words.ts';

/** What is longer is shown in lines, in a box of its own that scrolls. */
const SHORT = 300;

function Value({ value }: { value: unknown }) {
  const text = jsonText(value);
  return text.length <= SHORT ? text : <Output text={jsonText(value, 2)} />;
}

/** The parameters, and who set each to what it is now. */
export function Blame({ msgid }: { msgid: number }) {
  const word = useWords();
  const { data, error, refetch } = useBlame(msgid);
  if (error) return <ProblemNotice error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Loading />;
  return (
    <div className="overflow-x-auto">
      <table className="w-full text-left">
        <thead className="text-xs text-soft">
          <tr className="border-b">
            <th className="px-3 py-1.5 font-medium">{word('blame.name')}</th>
            <th className="px-3 py-1.5 font-medium">{word('blame.value')}</th>
            <th className="px-3 py-1.5 font-medium">{word('blame.by')}</th>
            <th className="px-3 py-1.5 font-medium">{word('blame.commit')}</th>
          </tr>
        </thead>
        <tbody>
          {data.items.map(({ name, value, step, actor, worker, commit }) => (
            <tr key={name} className="border-b border-line/60 align-top">
              <td className="px-3 py-1.5 font-mono text-xs wrap-anywhere">{name}</td>
              <td className="max-w-96 px-3 py-1.5 font-mono text-xs break-all">
                <Value value={value} />
              </td>
              <td className="px-3 py-1.5 text-xs">{step ?? actor}</td>
              <td className="px-3 py-1.5 font-mono text-xs text-soft" title={worker ?? actor}>
                {commit.slice(0, 10)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
