import type { WebhookMade } from '../../../../src/api/webhook/webhook.ts';
import { Button } from '../../parts/button.tsx';
import { Copy } from '../../parts/command/copy.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { useWords } from '../../words/words.ts';

interface SecretDialogProps {
  readonly made: WebhookMade;
  /** It is a secret in place of another. */
  readonly rotated?: boolean;
  readonly onClose: () => void;
}

/** Shows the secret of a webhook, this once. It closes by its button alone, so that no slip of a finger loses it. */
export function SecretDialog({ made, rotated = false, onClose }: SecretDialogProps) {
  const word = useWords();
  return (
    <Dialog open title={word('webhook.secret')} onClose={() => {}}>
      <div className="space-y-4">
        <p>{word('webhook.secretOnce')}</p>
        {rotated && <p>{word('webhook.secretBoth')}</p>}
        <div className="flex items-center gap-2 rounded bg-sunk px-2 py-1">
          <code data-secret className="min-w-0 flex-1 font-mono text-xs break-all">
            {made.secret}
          </code>
          <Copy text={made.secret} label={word('webhook.copySecret')} />
        </div>
        <div className="flex justify-end">
          <Button kind="main" onClick={onClose}>
            {word('webhook.kept')}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
