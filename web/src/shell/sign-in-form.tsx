import { type FormEvent, useState } from 'react';
import { RequestError } from '../api/request.ts';
import { useSession } from '../api/session.ts';
import { signIn, useSignInMethods } from '../api/sign-in.ts';
import logo from '../icon.svg';
import { Button } from '../parts/button.tsx';
import { Field, TextInput } from '../parts/field.tsx';
import { ProblemNotice } from '../parts/notice.tsx';
import { usePageTitle } from '../parts/screen/page-title.ts';
import { useWords } from '../words/words.ts';
import { Preferences } from './preferences.tsx';

/** Asks for a token, or sends the person to the provider of logins. A token goes to the server once and is kept by no script. */
export function SignInForm() {
  const word = useWords();
  const session = useSession();
  usePageTitle(word('signIn.title'));
  const oidc = useSignInMethods().data?.oidc ?? null;
  const [token, setToken] = useState('');
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const unknown = error instanceof RequestError && error.problem?.status === 401;
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await signIn(token.trim());
    } catch (cause) {
      setError(cause as Error);
      setBusy(false);
    }
  };
  return (
    <div className="grid min-h-full place-items-center p-4">
      <main className="w-full max-w-sm space-y-5">
        <div className="flex items-center gap-3">
          <img src={logo} alt="" className="size-9" />
          <h1 className="text-lg font-semibold">{word('signIn.title')}</h1>
        </div>
        {session === 'ended' && error === null && <p role="status">{word('signIn.ended')}</p>}
        {oidc !== null && (
          <>
            <a
              href={`${oidc.path}?to=${encodeURIComponent(location.pathname + location.search)}`}
              className="flex min-h-9 items-center justify-center rounded-md bg-accent px-2.5 py-1 font-medium text-on-accent hover:brightness-110"
            >
              {word('signIn.with', { name: oidc.name })}
            </a>
            <p className="text-soft">{word('signIn.or')}</p>
          </>
        )}
        <form onSubmit={event => void submit(event)} className="card space-y-4 p-4">
          <Field
            label={word('signIn.token')}
            hint={word('signIn.about')}
            error={unknown ? word('signIn.wrong') : null}
            required
          >
            {attributes => (
              <TextInput
                {...attributes}
                type="password"
                autoComplete="current-password"
                autoFocus
                value={token}
                onChange={event => setToken(event.target.value)}
              />
            )}
          </Field>
          {error && !unknown && <ProblemNotice error={error} />}
          <Button kind="main" type="submit" disabled={busy || token.trim() === ''} className="w-full">
            {word('signIn.do')}
          </Button>
        </form>
        <Preferences />
      </main>
    </div>
  );
}
