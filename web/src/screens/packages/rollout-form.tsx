import { type FormEvent, useState } from 'react';
import type { MessageView } from '../../../../src/api/message.ts';
import type { PublishedView } from '../../../../src/api/package/repository.ts';
import { type RolloutWish, startRollout } from '../../api/packages.ts';
import { Button } from '../../parts/button.tsx';
import { Command } from '../../parts/command/command.tsx';
import { shellWord } from '../../parts/command/shell-word.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Field, Select, TextInput } from '../../parts/field.tsx';
import { ProblemNotice } from '../../parts/notice.tsx';
import { useWords } from '../../words/words.ts';

interface RolloutFormProps {
  readonly packages: readonly PublishedView[];
  /** `NAME@VERSION` to begin with; empty: the first. */
  readonly wanted: string;
  readonly onStarted: (message: MessageView) => void;
  readonly onClose: () => void;
}

/** As it is typed. */
interface Texts {
  readonly package: string;
  readonly on: string;
  readonly canary: string;
  readonly waves: string;
  readonly budget: string;
  readonly pause: string;
}

const USUAL_WAVES = '10%, 50%, 100%';

/** Starts a rollout. */
export function RolloutForm({ packages, wanted, onStarted, onClose }: RolloutFormProps) {
  const word = useWords();
  const names = packages.map(({ name, version }) => `${name}@${version}`);
  const [texts, setTexts] = useState<Texts>({
    package: wanted || (names[0] ?? ''),
    on: 'all',
    canary: '1',
    waves: USUAL_WAVES,
    budget: '0',
    pause: 'canary',
  });
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const change = (name: keyof Texts, text: string): void => {
    setTexts({ ...texts, [name]: text });
    setError(null);
  };
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      onStarted(await startRollout(wishOf(texts)));
    } catch (cause) {
      setError(cause as Error);
      setBusy(false);
    }
  };
  return (
    <Dialog open title={word('rollout.new')} onClose={onClose}>
      <form noValidate onSubmit={event => void submit(event)} className="space-y-4">
        <Fields texts={texts} names={names} change={change} />
        <div className="rounded bg-sunk px-2">
          <Command text={rolloutCommand(texts)} />
        </div>
        {error && <ProblemNotice error={error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{word('dialog.cancel')}</Button>
          <Button kind="main" type="submit" disabled={busy || texts.on.trim() === ''}>
            {word('rollout.start')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

interface FieldsProps {
  readonly texts: Texts;
  readonly names: readonly string[];
  readonly change: (name: keyof Texts, text: string) => void;
}

function Fields({ texts, names, change }: FieldsProps) {
  const word = useWords();
  const typed = ['on', 'canary', 'waves', 'budget'] as const;
  return (
    <>
      <Field label={word('rollouts.package')} required>
        {attributes => (
          <Select
            {...attributes}
            value={texts.package}
            onChange={({ target }) => change('package', target.value)}
          >
            {names.map(name => (
              <option key={name}>{name}</option>
            ))}
          </Select>
        )}
      </Field>
      <div className="grid gap-4 sm:grid-cols-2">
        {typed.map(name => (
          <Field key={name} label={word(`rollout.${name}`)} hint={word(`rollout.${name}Hint`)} required>
            {attributes => (
              <TextInput
                {...attributes}
                value={texts[name]}
                onChange={({ target }) => change(name, target.value)}
              />
            )}
          </Field>
        ))}
      </div>
      <Field label={word('rollout.pause')} hint={word('rollout.pauseHint')}>
        {attributes => (
          <Select
            {...attributes}
            value={texts.pause}
            onChange={({ target }) => change('pause', target.value)}
          >
            <option value="">{word('rollout.pause.none')}</option>
            <option value="canary">{word('rollout.pause.canary')}</option>
            <option value="each">{word('rollout.pause.each')}</option>
          </Select>
        )}
      </Field>
    </>
  );
}

const listOf = (text: string): string[] =>
  text
    .split(/[\s,]+/)
    .map(part => part.trim())
    .filter(part => part !== '');

function wishOf({ package: wanted, on, canary, waves, budget, pause }: Texts): RolloutWish {
  const [name = '', version = ''] = wanted.split('@');
  return {
    package: name,
    version,
    on: on.trim(),
    canary: canary.trim() || '0',
    waves: listOf(waves),
    budget: budget.trim() || '0',
    pause_after: listOf(pause),
  };
}

function rolloutCommand(texts: Texts): string {
  const { package: name, version, on, canary, waves, budget, pause_after } = wishOf(texts);
  return [
    `coax package rollout ${shellWord(`${name}@${version}`)}`,
    `--on ${shellWord(on || 'all')}`,
    canary !== '1' && `--canary ${shellWord(canary)}`,
    waves.join() !== listOf(USUAL_WAVES).join() && `--waves ${shellWord(waves.join())}`,
    budget !== '0' && `--budget ${shellWord(budget)}`,
    pause_after.length > 0 && `--pause-after ${shellWord(pause_after.join())}`,
  ]
    .filter(Boolean)
    .join(' ');
}
