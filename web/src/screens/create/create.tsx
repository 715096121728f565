import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useFlows } from '../../api/flows.ts';
import { useCommand } from '../../parts/command/command-line.tsx';
import { TextInput } from '../../parts/field.tsx';
import { Empty, Loading, ProblemNotice } from '../../parts/notice.tsx';
import { Screen } from '../../parts/screen/screen.tsx';
import { useWords } from '../../words/words.ts';

/** What can be asked for: the flows that there are. */
export function Create() {
  const word = useWords();
  const { data, error, refetch } = useFlows();
  const [wanted, setWanted] = useState('');
  useCommand('coax flow ls');
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const fitting = data?.items.filter(({ name, about }) => {
    const text = `${name} ${about}`.toLowerCase();
    return words.every(part => text.includes(part));
  });
  return (
    <Screen
      title={word('nav.create')}
      actions={
        <div className="w-full sm:w-72">
          <TextInput
            type="search"
            aria-label={word('create.search')}
            placeholder={word('create.search')}
            value={wanted}
            onChange={event => setWanted(event.target.value)}
          />
        </div>
      }
    >
      {error && <ProblemNotice error={error} onRetry={() => void refetch()} />}
      {data === undefined && !error && <Loading />}
      {data?.faults.map(({ where, reason }) => (
        <p key={where} className="rounded-md wrap-anywhere bg-back-soft px-3 py-2 text-back">
          {word('create.faulty')}{' '}
          {!reason.startsWith(where) && <span className="font-mono text-xs">{where}</span>} {reason}
        </p>
      ))}
      {fitting?.length === 0 && <Empty title={word('create.noneFit', { text: wanted })} />}
      <ul className="grid grid-cols-1 gap-2 md:grid-cols-2 xl:grid-cols-3">
        {fitting?.map(({ name, about, steps, required }) => (
          <li
            key={name}
            className="card relative flex flex-col gap-1.5 p-3 hover:border-edge has-[a:focus-visible]:border-accent"
          >
            <Link
              to="/create/$flow"
              params={{ flow: name }}
              className="font-mono font-medium wrap-anywhere text-accent after:absolute after:inset-0 after:rounded-lg"
            >
              {name}
            </Link>
            <p className="text-soft">{about}</p>
            <p className="mt-auto truncate pt-1 text-xs text-faint" title={steps.join(' → ')}>
              {steps.join(' → ')}
            </p>
            {required.length > 0 && (
              <p className="text-xs text-faint">
                {word('create.needs')} <span className="font-mono">{required.join(' ')}</span>
              </p>
            )}
          </li>
        ))}
      </ul>
    </Screen>
  );
}
