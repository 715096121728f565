import { type FormEvent, useState } from 'react';
import type { WebhookEdit, WebhookView } from '../../../../src/api/webhook/webhook.ts';
import { RequestError } from '../../api/request.ts';
import { editWebhook, type WebhookRead } from '../../api/webhooks.ts';
import { Button } from '../../parts/button.tsx';
import { Command } from '../../parts/command/command.tsx';
import { shellWord } from '../../parts/command/shell-word.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Check } from '../../parts/field.tsx';
import { ProblemNotice } from '../../parts/notice.tsx';
import { useWords } from '../../words/words.ts';
import { EventsField, FlowField, isWebUrl, type Kind, UrlField } from '../webhooks/webhook-form.tsx';

interface WebhookEditFormProps {
  /** As it is now: it may change while the form is open. */
  readonly read: WebhookRead;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

interface Wish {
  readonly url: string;
  readonly events: readonly Kind[];
  /** Empty: of any. */
  readonly flow: string;
  readonly active: boolean;
}

/**
 * Changes a webhook, if it still is what the form began with: what somebody else changed meanwhile is not overwritten by what was never
 * looked at.
 */
export function WebhookEditForm({ read, onDone, onClose }: WebhookEditFormProps) {
  const word = useWords();
  const { wish, change, begun, again, asked, error, busy, submit } = useEdit(read, onDone);
  const { id, project } = begun.webhook;
  const changes = changesOf(begun.webhook, wish);
  const isStale = error instanceof RequestError && error.problem?.status === 412;
  return (
    <Dialog open title={word('webhook.do.edit')} onClose={onClose}>
      <form noValidate onSubmit={event => void submit(event)} className="space-y-4">
        <UrlField url={wish.url} isWrong={asked && !isWebUrl(wish.url)} onChange={url => change({ url })} />
        <EventsField events={wish.events} onChange={events => change({ events })} />
        <FlowField flow={wish.flow} onChange={flow => change({ flow })} />
        <div>
          <Check
            label={word('webhook.active')}
            checked={wish.active}
            onChange={({ target }) => change({ active: target.checked })}
          />
          <p className="text-xs text-soft">{word('webhook.activeHint')}</p>
        </div>
        <p className="text-xs text-soft">{word('webhook.stays', { project })}</p>
        <div className="rounded bg-sunk px-2">
          <Command text={editCommand(id, changes)} />
        </div>
        {error && <ProblemNotice error={error} />}
        <div className="flex flex-wrap justify-end gap-2">
          {isStale && <Button onClick={again}>{word('webhook.editAgain')}</Button>}
          <Button onClick={onClose}>{word('dialog.cancel')}</Button>
          <Button kind="main" type="submit" disabled={busy || Object.keys(changes).length === 0}>
            {word('webhook.save')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** What was typed, on top of what was read when the form began. */
function useEdit(read: WebhookRead, onDone: () => void) {
  const [begun, setBegun] = useState(read);
  const [wish, setWish] = useState(() => wishOf(read.webhook));
  const [asked, setAsked] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const change = (next: Partial<Wish>): void => {
    setWish({ ...wish, ...next });
    setError(null);
  };
  const again = (): void => {
    setBegun(read);
    setWish(wishOf(read.webhook));
    setError(null);
  };
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setAsked(true);
    if (!isWebUrl(wish.url) || wish.events.length === 0) return;
    setBusy(true);
    setError(null);
    try {
      await editWebhook(begun, changesOf(begun.webhook, wish));
      onDone();
    } catch (cause) {
      setError(cause as Error);
      setBusy(false);
    }
  };
  return { wish, change, begun, again, asked, error, busy, submit };
}

const wishOf = ({ url, events, flow, state }: WebhookView): Wish => ({
  url,
  events,
  flow: flow ?? '',
  active: state === 'active',
});

/** What is left out stays as it is. */
function changesOf(before: WebhookView, { url, events, flow, active }: Wish): WebhookEdit {
  const state = active ? 'active' : 'disabled';
  return {
    ...(url !== before.url && { url }),
    ...(events.join() !== before.events.join() && { events: [...events] }),
    ...(flow !== (before.flow ?? '') && { flow: flow === '' ? null : flow }),
    ...(state !== before.state && { state }),
  };
}

const editCommand = (id: string, { url, events, flow, state }: WebhookEdit): string =>
  [
    `coax webhook edit ${id}`,
    url !== undefined && `--url ${shellWord(url)}`,
    events !== undefined && `--on ${events.join(',')}`,
    flow !== undefined && `--flow ${shellWord(flow ?? '')}`,
    state !== undefined && (state === 'active' ? '--enable' : '--disable'),
  ]
    .filter(Boolean)
    .join(' ');
