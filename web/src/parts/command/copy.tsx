import { useEffect, useState } from 'react';
import { useWords } from '../../words/words.ts';
import { IconButton } from '../button.tsx';

const SHOWN_MS = 1500;

/** Puts a text on the clipboard, and says so. */
export function Copy({ text, label }: { text: string; label?: string }) {
  const word = useWords();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <>
      <IconButton
        icon={copied ? 'check' : 'copy'}
        label={label ?? word('copy.do')}
        onClick={() => void writeText(text).then(() => setCopied(true))}
      />
      <span role="status" className="sr-only">
        {copied ? word('copy.done') : ''}
      </span>
    </>
  );
}

/** Pages that came over plain HTTP from another machine have no clipboard; they have the old way. */
async function writeText(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}
