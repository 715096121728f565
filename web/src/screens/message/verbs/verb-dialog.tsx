import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useId, useState } from 'react';
import type { CommitView } from '../../../../../src/api/commit.ts';
import type { MessageView } from '../../../../../src/api/message.ts';
import { cache } from '../../../api/cache.ts';
import { useHistory } from '../../../api/message.ts';
import { call } from '../../../api/request.ts';
import { Button } from '../../../parts/button.tsx';
import { Command } from '../../../parts/command/command.tsx';
import { Dialog } from '../../../parts/dialog.tsx';
import { Check, Field, Select, TextInput } from '../../../parts/field.tsx';
import { ProblemNotice } from '../../../parts/notice.tsx';
import { useWords } from '../../../words/words.ts';
import { type Edit, readEdits } from './edits.ts';
import { ParameterEditor } from './parameter-editor.tsx';
import {
  type Choice,
  forkPoints,
  HOWS,
  requestOf,
  takesParameters,
  undoneBy,
  type VerbName,
  verbCommand,
} from './verb.ts';

interface VerbDialogProps {
  readonly verb: VerbName;
  readonly message: MessageView;
  /** Names the state that the person sees: a decision about another is refused. */
  readonly etag: string;
  /** Id of the commit that a fork begins after; the newest that it can, where nobody has said. */
  readonly commit: string | null;
  readonly onClose: () => void;
}

/** Says what a verb will do, asks for what it needs to know and for a reason, and does it. */
export function VerbDialog(props: VerbDialogProps) {
  const word = useWords();
  return (
    <Dialog
      open
      title={`${word(`verb.${props.verb}`)} · ${props.message.flow} ${props.message.msgid}`}
      onClose={props.onClose}
    >
      <VerbForm {...props} />
    </Dialog>
  );
}

function VerbForm({ verb, message, etag, commit, onClose }: VerbDialogProps) {
  const word = useWords();
  const navigate = useNavigate();
  const [edits, setEdits] = useState<readonly Edit[]>([]);
  const { parameters, wrong } = readEdits(edits, message.parameters);
  const points = forkPoints(message, useHistory(message.msgid).data?.commits ?? []);
  const [choice, setChoice] = useState<Omit<Choice, 'parameters'>>({
    reason: '',
    how: 'retry',
    to: Math.max(0, Math.min(message.cursor, message.steps.length - 1)),
    commit: commit ?? points[0]?.id ?? '',
    force: false,
  });
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const whole: Choice = { ...choice, parameters };
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const answer = await decide(verb, message.msgid, etag, whole);
      onClose();
      if (verb === 'fork') void navigate({ to: '/messages/$msgid', params: { msgid: String(answer.msgid) } });
    } catch (cause) {
      setError(cause as Error);
      setBusy(false);
    }
  };
  const ready = choice.reason.trim() !== '' && wrong === null && !busy;
  return (
    <form onSubmit={event => void submit(event)} className="space-y-4">
      <WhatItDoes verb={verb} message={message} to={choice.to} />
      <Options
        points={points}
        verb={verb}
        message={message}
        choice={choice}
        onChange={change => setChoice({ ...choice, ...change })}
      />
      {takesParameters(verb, choice.how) && (
        <ParameterEditor known={message.parameters} edits={edits} onChange={setEdits} />
      )}
      {wrong !== null && (
        <p className="text-xs font-medium text-bad">{word('edit.wrong', { name: wrong })}</p>
      )}
      <Field label={word('verb.reason')} hint={word('verb.reasonHint')} required>
        {attributes => (
          <TextInput
            {...attributes}
            maxLength={4096}
            value={choice.reason}
            onChange={event => setChoice({ ...choice, reason: event.target.value })}
          />
        )}
      </Field>
      <div className="rounded bg-sunk px-2">
        <Command text={verbCommand(verb, message.msgid, whole)} />
      </div>
      {error && <ProblemNotice error={error} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{word('dialog.cancel')}</Button>
        <Button kind="main" type="submit" disabled={!ready}>
          {word(`verb.${verb}`)}
        </Button>
      </div>
    </form>
  );
}

/** Asks the server. A message under way moves on while somebody reads; one that rests is decided about as it was seen. */
async function decide(verb: VerbName, msgid: number, etag: string, choice: Choice): Promise<MessageView> {
  const { path, body } = requestOf(verb, msgid, choice);
  const rests = verb === 'resolve' || verb === 'revert';
  const headers = rests ? { 'if-match': etag } : {};
  const answer = await call<MessageView>('POST', path, { body, headers });
  void cache.invalidateQueries({ queryKey: ['message', msgid] });
  return answer;
}

function WhatItDoes({ verb, message, to }: { verb: VerbName; message: MessageView; to: number }) {
  const word = useWords();
  const undone = undoneBy(verb, message, to);
  return (
    <div className="space-y-1.5">
      <p>{word(`verb.${verb}.about`)}</p>
      {undone.length > 0 && verb !== 'resolve' && (
        <>
          <p className="text-xs text-soft">{word('verb.undoes', { n: undone.length })}</p>
          <ol className="max-h-40 overflow-auto font-mono text-xs text-back">
            {undone.map(step => (
              <li key={step}>↶ {step}</li>
            ))}
          </ol>
        </>
      )}
    </div>
  );
}

interface OptionsProps {
  readonly points: readonly CommitView[];
  readonly verb: VerbName;
  readonly message: MessageView;
  readonly choice: Omit<Choice, 'parameters'>;
  readonly onChange: (change: Partial<Choice>) => void;
}

/** What a verb needs to know beside the reason. */
function Options({ points, verb, message, choice, onChange }: OptionsProps) {
  const word = useWords();
  const name = useId();
  if (verb === 'revert') {
    return (
      <Check
        label={word('verb.force')}
        checked={choice.force}
        onChange={event => onChange({ force: event.target.checked })}
      />
    );
  }
  if (verb === 'rewind') {
    return (
      <Field label={word('verb.to')}>
        {attributes => (
          <Select
            {...attributes}
            value={choice.to}
            onChange={event => onChange({ to: Number(event.target.value) })}
          >
            {message.steps
              .filter(({ index }) => index <= message.cursor)
              .map(({ index, step }) => (
                <option key={index} value={index}>
                  {index} {step}
                </option>
              ))}
          </Select>
        )}
      </Field>
    );
  }
  if (verb === 'fork')
    return <CommitPicker points={points} value={choice.commit} onPick={commit => onChange({ commit })} />;
  if (verb !== 'resolve') return null;
  return (
    <fieldset className="space-y-1.5">
      <legend className="mb-1 text-xs font-medium text-soft">{word('verb.how')}</legend>
      {HOWS.map(how => (
        <label
          key={how}
          className="flex cursor-pointer gap-2 rounded-md border px-2.5 py-1.5 has-checked:border-accent has-checked:bg-accent-soft/50"
        >
          <input
            type="radio"
            name={name}
            checked={choice.how === how}
            onChange={() => onChange({ how })}
            className="mt-0.5 size-4 accent-accent"
          />
          <span>
            <span className="font-medium">{word(`how.${how}`)}</span>
            <span className="block text-xs text-soft">{word(`how.${how}.about`)}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

interface CommitPickerProps {
  readonly points: readonly CommitView[];
  readonly value: string;
  readonly onPick: (commit: string) => void;
}

function CommitPicker({ points, value, onPick }: CommitPickerProps) {
  const word = useWords();
  return (
    <Field label={word('verb.after')}>
      {attributes => (
        <Select
          {...attributes}
          value={value}
          onChange={event => onPick(event.target.value)}
          className="font-mono text-xs"
        >
          {points.map(({ id, outcome, step, mode }) => (
            <option key={id} value={id}>
              {id.slice(0, 10)} {mode === 'rollback' ? '↶ ' : ''}
              {step ?? ''} {word(`outcome.${outcome}`)}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}
