import { useEffect, useState } from 'react';
import { RequestError } from '../api/request.ts';
import { signInByTicket } from '../api/sign-in.ts';
import logo from '../icon.svg';
import { Button } from '../parts/button.tsx';
import { Loading, ProblemNotice } from '../parts/notice.tsx';
import { useWords } from '../words/words.ts';

export const ENTER = '/enter';

interface Entry {
  readonly ticket: string;
  readonly to: string;
}

/** The ticket and the page in the fragment, which is taken out of the address at once. */
export function takeEntry(): Entry {
  const given = new URLSearchParams(location.hash.slice(1));
  history.replaceState(null, '', ENTER);
  return { ticket: given.get('ticket') ?? '', to: wayTo(given.get('to') ?? '/') };
}

/** A path of this server and nothing else. */
function wayTo(to: string): string {
  const url = URL.parse(to, location.origin);
  return url?.origin === location.origin && url.pathname !== ENTER ? url.pathname + url.search : '/';
}

/** Lets in who comes by `coax console`; asks first when that is another than who is here. */
export function Enter({ entry: { ticket, to } }: { entry: Entry }) {
  const word = useWords();
  const [error, setError] = useState<Error | null>(null);
  const enter = async (instead: boolean): Promise<void> => {
    try {
      await signInByTicket(ticket, instead);
      location.replace(to);
    } catch (cause) {
      setError(cause as Error);
    }
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: the ticket is good once
  useEffect(() => void enter(false), []);
  if (error === null) return <Loading />;
  const other = error instanceof RequestError && error.problem?.code === 'COAX_CONFLICT';
  const { now = '', ticket: actor = '' } = ((other && error.problem?.more) || {}) as Record<string, string>;
  return (
    <main className="mx-auto max-w-md space-y-4 p-4 pt-[20vh]">
      <div className="flex items-center gap-3">
        <img src={logo} alt="" className="size-9" />
        <h1 className="text-lg font-semibold">{word('signIn.title')}</h1>
      </div>
      {other ? (
        <>
          <p>{word('enter.other', { now, actor })}</p>
          <div className="flex flex-wrap gap-2">
            <Button kind="main" onClick={() => void enter(true)}>
              {word('enter.instead', { actor })}
            </Button>
            <Button onClick={() => location.replace(to)}>{word('enter.stay', { now })}</Button>
          </div>
        </>
      ) : (
        <>
          <ProblemNotice error={error} />
          <Button onClick={() => location.replace(to)}>{word('enter.signIn')}</Button>
        </>
      )}
    </main>
  );
}
