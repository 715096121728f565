import type { ReactNode } from 'react';
import { RequestError } from '../api/request.ts';
import { useWords } from '../words/words.ts';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';

/** What went wrong, where, and what to do: all that the server says of it. */
export function ProblemNotice({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  const word = useWords();
  const problem = error instanceof RequestError ? error.problem : null;
  // What is not there, or not to be seen, is not there when it is asked for again.
  const final = [400, 403, 404].includes(problem?.status ?? 0);
  const unreachable = error instanceof RequestError && problem === null;
  return (
    <div role="alert" className="flex gap-3 rounded-lg border border-bad/40 bg-bad-soft p-3">
      <Icon name="warn" className="mt-0.5 size-4 text-bad" />
      <div className="min-w-0 flex-1 space-y-1">
        <p className="font-medium text-bad">{problem?.title ?? word('error.title')}</p>
        <p className="break-words">{unreachable ? word('error.unreachable') : error.message}</p>
        {problem?.hint && <p className="text-soft">{problem.hint}</p>}
        {problem?.faults?.map(({ where, reason }) => (
          <p key={`${where} ${reason}`} className="font-mono text-xs">
            {where} {reason}
          </p>
        ))}
        {problem && (
          <p className="font-mono text-2xs text-soft">
            {word('error.code', { code: problem.code, request: problem.instance })}
          </p>
        )}
        {onRetry && !final && (
          <Button className="mt-1" onClick={onRetry}>
            {word('error.again')}
          </Button>
        )}
      </div>
    </div>
  );
}

/** Says that nothing is there, and why. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="grid place-items-center gap-1 px-4 py-10 text-center">
      <p className="font-medium">{title}</p>
      <div className="text-soft">{children}</div>
    </div>
  );
}

export function Loading() {
  const word = useWords();
  return (
    <p role="status" className="p-4 text-faint">
      {word('loading')}
    </p>
  );
}
