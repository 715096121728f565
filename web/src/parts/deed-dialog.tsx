import { type FormEvent, type ReactNode, useState } from 'react';
import type { MessageView } from '../../../src/api/message.ts';
import { useWords } from '../words/words.ts';
import { Button } from './button.tsx';
import { Command } from './command/command.tsx';
import { Dialog } from './dialog.tsx';
import { Check, Field, TextInput } from './field.tsx';
import { ProblemNotice } from './notice.tsx';

/** Something that a person may do with a host or a VM. */
export interface Deed {
  /** On its button. */
  readonly label: string;
  /** What it will do. */
  readonly about: ReactNode;
  /** Whether a reason is asked for: it is kept in the ledger. */
  readonly takesReason: boolean;
  readonly danger?: boolean;
  /** What a person must say beside, by ticking it. */
  readonly confirm?: string;
  /** The same on the command line. */
  readonly command: (reason: string) => string;
  readonly act: (reason: string) => Promise<MessageView>;
}

interface DeedDialogProps {
  readonly deed: Deed;
  readonly title: string;
  readonly onDone: (message: MessageView) => void;
  readonly onClose: () => void;
}

/** Says what a deed will do, asks for a reason, and does it. */
export function DeedDialog({ deed, title, onDone, onClose }: DeedDialogProps) {
  const word = useWords();
  const [reason, setReason] = useState('');
  const [confirmed, setConfirmed] = useState(deed.confirm === undefined);
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      onDone(await deed.act(reason.trim()));
    } catch (cause) {
      setError(cause as Error);
      setBusy(false);
    }
  };
  return (
    <Dialog open title={title} onClose={onClose}>
      <form onSubmit={event => void submit(event)} className="space-y-4">
        <div className="space-y-2">{deed.about}</div>
        {deed.takesReason && (
          <Field label={word('verb.reason')} hint={word('verb.reasonHint')} required>
            {attributes => (
              <TextInput
                {...attributes}
                maxLength={4096}
                value={reason}
                onChange={event => setReason(event.target.value)}
              />
            )}
          </Field>
        )}
        {deed.confirm !== undefined && (
          <Check
            label={deed.confirm}
            checked={confirmed}
            onChange={event => setConfirmed(event.target.checked)}
          />
        )}
        <div className="rounded bg-sunk px-2">
          <Command text={deed.command(reason.trim())} />
        </div>
        {error && <ProblemNotice error={error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{word('dialog.cancel')}</Button>
          <Button
            kind={deed.danger ? 'danger' : 'main'}
            type="submit"
            disabled={busy || !confirmed || (deed.takesReason && reason.trim() === '')}
          >
            {deed.label}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
