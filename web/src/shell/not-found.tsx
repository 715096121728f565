import { Link } from '@tanstack/react-router';
import { Empty } from '../parts/notice.tsx';
import { useWords } from '../words/words.ts';

export function NotFound() {
  const word = useWords();
  return (
    <Empty title={word('notFound.title')}>
      <Link to="/" className="text-accent underline">
        {word('notFound.back')}
      </Link>
    </Empty>
  );
}
