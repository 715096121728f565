import type { WebhookView } from '../../../../src/api/webhook/webhook.ts';
import { Badge } from '../../parts/badge.tsx';
import { useWords } from '../../words/words.ts';

export function WebhookState({ state }: Pick<WebhookView, 'state'>) {
  const word = useWords();
  return <Badge tone={state === 'active' ? 'good' : 'bad'}>{word(`webhook.${state}`)}</Badge>;
}
