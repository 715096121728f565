import { useEffect } from 'react';
import { useWords } from '../../words/words.ts';
import { Button } from '../button.tsx';
import { Icon } from '../icon.tsx';

/** A file of the console did not load: the network changed, or the server has newer ones by now. */
export class MissingPart extends Error {
  constructor(cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    // Its address, without what browsers say around it: the router would load the page again by itself for that.
    super(/\S+\/assets\/\S+/.exec(reason)?.[0] ?? `? ${reason}`, { cause });
    this.name = 'MissingPart';
  }
}

/** An import that fails as MissingPart. */
export function part<Module>(load: () => Promise<Module>): () => Promise<Module> {
  return () =>
    load().catch(cause => {
      throw new MissingPart(cause);
    });
}

const KEY = 'coax.loaded-again';

/**
 * Loads the page again, but once for each file in a browser's tab: what is missing after that stays missing. Whether it does.
 */
export function loadAgainOnce({ message }: MissingPart): boolean {
  try {
    const known = JSON.parse(sessionStorage.getItem(KEY) ?? '[]') as string[];
    if (known.includes(message)) return false;
    sessionStorage.setItem(KEY, JSON.stringify([...known.slice(-20), message]));
  } catch {
    // Without a place to remember it, it could go on for ever.
    return false;
  }
  location.reload();
  return true;
}

/** Says that a part is missing, when loading the page again did not bring it. */
export function MissingPartNotice({ error }: { error: MissingPart }) {
  const word = useWords();
  useEffect(() => void loadAgainOnce(error), [error]);
  return (
    <div role="alert" data-missing className="flex gap-3 rounded-lg border border-back/40 bg-back-soft p-3">
      <Icon name="warn" className="mt-0.5 size-4 text-back" />
      <div className="min-w-0 flex-1 space-y-1">
        <p className="font-medium text-back">{word('missing.title')}</p>
        <p>{word('missing.about')}</p>
        <p className="font-mono text-2xs break-all text-soft">{error.message}</p>
        <Button className="mt-1" onClick={() => location.reload()}>
          {word('missing.again')}
        </Button>
      </div>
    </div>
  );
}
