import { type FormEvent, useState } from 'react';
import type { WebhookMade, WebhookView } from '../../../../src/api/webhook/webhook.ts';
import { useFlows } from '../../api/flows.ts';
import { createWebhook } from '../../api/webhooks.ts';
import { Button } from '../../parts/button.tsx';
import { Command } from '../../parts/command/command.tsx';
import { shellWord } from '../../parts/command/shell-word.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Check, Field, Select, TextInput } from '../../parts/field.tsx';
import { ProblemNotice } from '../../parts/notice.tsx';
import { useWords } from '../../words/words.ts';

export type Kind = WebhookView['events'][number];
const KINDS: readonly Kind[] = ['accepted', 'failed', 'done', 'rolled_back', 'parked'];

interface WebhookFormProps {
  /** Those in which the person may make one. */
  readonly projects: readonly string[];
  readonly onMade: (webhook: WebhookMade) => void;
  readonly onClose: () => void;
}

interface Wish {
  readonly url: string;
  readonly events: readonly Kind[];
  readonly flow: string;
  readonly project: string;
}

/** Makes a webhook. */
export function WebhookForm({ projects, onMade, onClose }: WebhookFormProps) {
  const word = useWords();
  const { wish, change, asked, isUrl, error, busy, submit } = useWish(projects, onMade);
  return (
    <Dialog open title={word('webhooks.new')} onClose={onClose}>
      <form noValidate onSubmit={event => void submit(event)} className="space-y-4">
        <UrlField url={wish.url} isWrong={asked && !isUrl} onChange={url => change({ url })} />
        <EventsField events={wish.events} onChange={events => change({ events })} />
        <PlaceFields wish={wish} projects={projects} change={change} />
        <div className="rounded bg-sunk px-2">
          <Command text={createCommand(wish)} />
        </div>
        {error && <ProblemNotice error={error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{word('dialog.cancel')}</Button>
          <Button kind="main" type="submit" disabled={busy}>
            {word('webhooks.create')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** What was typed, what is wrong with it, and the sending of it. */
function useWish(projects: readonly string[], onMade: (webhook: WebhookMade) => void) {
  const [wish, setWish] = useState<Wish>({
    url: '',
    events: ['done', 'rolled_back', 'parked'],
    flow: '',
    project: projects.includes('default') ? 'default' : (projects[0] ?? ''),
  });
  const [asked, setAsked] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const { url, events, flow, project } = wish;
  const change = (next: Partial<Wish>): void => {
    setWish({ ...wish, ...next });
    setError(null);
  };
  const isUrl = isWebUrl(url);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setAsked(true);
    if (!isUrl || events.length === 0) return;
    setBusy(true);
    setError(null);
    try {
      onMade(await createWebhook({ url, events: [...events], project, ...(flow !== '' && { flow }) }));
    } catch (cause) {
      setError(cause as Error);
      setBusy(false);
    }
  };
  return { wish, change, asked, isUrl, error, busy, submit };
}

export const isWebUrl = (url: string): boolean => /^https?:$/.test(URL.parse(url)?.protocol ?? '');

interface UrlFieldProps {
  readonly url: string;
  readonly isWrong: boolean;
  readonly onChange: (url: string) => void;
}

export function UrlField({ url, isWrong, onChange }: UrlFieldProps) {
  const word = useWords();
  return (
    <Field
      label={word('webhook.url')}
      hint={word('webhook.urlHint')}
      error={isWrong ? word('webhook.urlWrong') : null}
      required
    >
      {attributes => (
        <TextInput
          {...attributes}
          type="url"
          placeholder="https://example.org/coax"
          maxLength={2000}
          value={url}
          onChange={({ target }) => onChange(target.value.trim())}
        />
      )}
    </Field>
  );
}

interface EventsFieldProps {
  readonly events: readonly Kind[];
  readonly onChange: (events: readonly Kind[]) => void;
}

export function EventsField({ events, onChange }: EventsFieldProps) {
  const word = useWords();
  return (
    <fieldset>
      <legend className="text-xs font-medium text-soft">{word('webhook.events')}</legend>
      <div className="grid gap-x-4 sm:grid-cols-2">
        {KINDS.map(kind => (
          <Check
            key={kind}
            label={word(`webhook.event.${kind}`)}
            checked={events.includes(kind)}
            onChange={({ target }) =>
              onChange(KINDS.filter(one => (one === kind ? target.checked : events.includes(one))))
            }
          />
        ))}
      </div>
      {events.length === 0 && (
        <p role="alert" className="text-xs font-medium text-bad">
          {word('webhook.noEvents')}
        </p>
      )}
    </fieldset>
  );
}

interface PlaceFieldsProps {
  readonly wish: Wish;
  readonly projects: readonly string[];
  readonly change: (next: Partial<Wish>) => void;
}

interface FlowFieldProps {
  /** Empty: of any. */
  readonly flow: string;
  readonly onChange: (flow: string) => void;
}

/** A flow that is not there any more can stay. */
export function FlowField({ flow, onChange }: FlowFieldProps) {
  const word = useWords();
  const flows = (useFlows().data?.items ?? []).map(({ name }) => name);
  return (
    <Field label={word('webhook.flow')}>
      {attributes => (
        <Select {...attributes} value={flow} onChange={({ target }) => onChange(target.value)}>
          <option value="">{word('messages.anyFlow')}</option>
          {[...new Set([...(flow === '' ? [] : [flow]), ...flows])].sort().map(name => (
            <option key={name}>{name}</option>
          ))}
        </Select>
      )}
    </Field>
  );
}

/** Of which flow, and of which project. */
function PlaceFields({ wish: { flow, project }, projects, change }: PlaceFieldsProps) {
  const word = useWords();
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <FlowField flow={flow} onChange={flow => change({ flow })} />
      <Field label={word('message.project')}>
        {attributes => (
          <Select
            {...attributes}
            value={project}
            onChange={({ target }) => change({ project: target.value })}
          >
            {projects.map(name => (
              <option key={name}>{name}</option>
            ))}
          </Select>
        )}
      </Field>
    </div>
  );
}

const createCommand = ({ url, events, flow, project }: Wish): string =>
  [
    'coax webhook create',
    shellWord(url || 'https://…'),
    `--on ${events.join(',')}`,
    flow !== '' && `--flow ${shellWord(flow)}`,
    project !== 'default' && `--project ${shellWord(project)}`,
  ]
    .filter(Boolean)
    .join(' ');
