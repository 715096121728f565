import { useSession } from '../api/session.ts';
import { signOut } from '../api/sign-in.ts';
import { IconButton } from '../parts/button.tsx';
import { currentLanguage, LANGUAGES, type Language, setLanguage, useWords } from '../words/words.ts';
import { setTheme, THEMES, type Theme, useTheme } from './theme.ts';

const SELECT = 'rounded-md border border-line bg-card px-1.5 py-1 text-xs text-soft hover:text-ink';

/** Language, colours, and the way out. */
export function Preferences() {
  const word = useWords();
  const theme = useTheme();
  const session = useSession();
  return (
    <div className="flex flex-wrap items-center gap-1.5">
      <select
        aria-label={word('shell.language')}
        value={currentLanguage()}
        onChange={event => void setLanguage(event.target.value as Language)}
        className={SELECT}
      >
        {Object.entries(LANGUAGES).map(([name, text]) => (
          <option key={name} value={name}>
            {text}
          </option>
        ))}
      </select>
      <select
        aria-label={word('shell.theme')}
        value={theme}
        onChange={event => setTheme(event.target.value as Theme)}
        className={SELECT}
      >
        {THEMES.map(name => (
          <option key={name} value={name}>
            {word(`shell.theme.${name}`)}
          </option>
        ))}
      </select>
      {session === 'in' && (
        <IconButton icon="out" label={word('shell.signOut')} onClick={() => void signOut()} />
      )}
    </div>
  );
}
