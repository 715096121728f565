import { useState } from 'react';
import type { WebhookMade, WebhookView } from '../../../../src/api/webhook/webhook.ts';
import { removeWebhook, rotateWebhookSecret } from '../../api/webhooks.ts';
import { Button } from '../../parts/button.tsx';
import { Command } from '../../parts/command/command.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { ProblemNotice } from '../../parts/notice.tsx';
import { useWords } from '../../words/words.ts';

export type WebhookDeedName = 'rotate' | 'remove';

interface WebhookDeedProps {
  readonly name: WebhookDeedName;
  readonly webhook: WebhookView;
  readonly onRotated: (made: WebhookMade) => void;
  readonly onRemoved: () => void;
  readonly onClose: () => void;
}

/** Says what will happen, and does it. */
export function WebhookDeed({ name, webhook, onRotated, onRemoved, onClose }: WebhookDeedProps) {
  const word = useWords();
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const act = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      if (name === 'rotate') onRotated(await rotateWebhookSecret(webhook.id));
      else {
        await removeWebhook(webhook.id);
        onRemoved();
      }
    } catch (cause) {
      setError(cause as Error);
      setBusy(false);
    }
  };
  return (
    <Dialog open title={word(`webhook.do.${name}`)} onClose={onClose}>
      <div className="space-y-4">
        <p>{word(`webhook.do.${name}.about`, { url: webhook.url })}</p>
        <div className="rounded bg-sunk px-2">
          <Command text={`coax webhook ${name === 'rotate' ? 'rotate-secret' : 'rm'} ${webhook.id}`} />
        </div>
        {error && <ProblemNotice error={error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{word('dialog.cancel')}</Button>
          <Button kind={name === 'remove' ? 'danger' : 'main'} disabled={busy} onClick={() => void act()}>
            {word(`webhook.do.${name}`)}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
