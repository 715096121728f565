import { Link } from '@tanstack/react-router';
import { useWords } from '../../words/words.ts';
import { useCommand } from '../command/command-line.tsx';
import { Screen } from './screen.tsx';

export function NotFound() {
  const word = useWords();
  useCommand('coax status');
  return (
    <Screen title={word('notFound.title')}>
      <p>
        <Link to="/" className="text-accent underline">
          {word('notFound.back')}
        </Link>
      </p>
    </Screen>
  );
}
