import { useNavigate, useParams } from '@tanstack/react-router';
import { type FormEvent, useRef, useState } from 'react';
import type { FlowView } from '../../../../src/api/flow.ts';
import type { MessageView } from '../../../../src/api/message.ts';
import { useFlows } from '../../api/flows.ts';
import { post, RequestError } from '../../api/request.ts';
import { Button } from '../../parts/button.tsx';
import { useCommand } from '../../parts/command/command-line.tsx';
import { Empty, Loading, ProblemNotice } from '../../parts/notice.tsx';
import { Screen } from '../../parts/screen.tsx';
import { useWords } from '../../words/words.ts';
import { ParameterField } from './parameter-field.tsx';
import { faultsByName, readForm, type Texts } from './read-form.ts';
import { runCommand } from './run-command.ts';
import { firstText, type ParameterSchema } from './schema.ts';

/** A form made from a flow's schema. */
export function CreateForm() {
  const { flow: name } = useParams({ from: '/create/$flow' });
  const word = useWords();
  const { data, error, refetch } = useFlows();
  if (error) {
    return (
      <div className="p-4">
        <ProblemNotice error={error} onRetry={() => void refetch()} />
      </div>
    );
  }
  if (data === undefined) return <Loading />;
  const flow = data.items.find(one => one.name === name);
  if (flow === undefined) return <Empty title={word('create.noSuch', { name })} />;
  return <FormOf key={name} flow={flow} />;
}

function FormOf({ flow }: { flow: FlowView }) {
  const word = useWords();
  const navigate = useNavigate();
  const form = useRef<HTMLFormElement>(null);
  const schemas = flow.parameters as Readonly<Record<string, ParameterSchema>>;
  const [texts, setTexts] = useState<Texts>({});
  const [asked, setAsked] = useState(false);
  const [refused, setRefused] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  // The same form, sent again because no answer came, must not make a second message.
  const [key, setKey] = useState(() => crypto.randomUUID());
  const { parameters, faults } = readForm(schemas, flow.required, texts);
  const theirs = faultsByName((refused instanceof RequestError && refused.problem?.faults) || []);
  useCommand(runCommand(flow.name, schemas, parameters));

  const change = (name: string, text: string): void => {
    setTexts({ ...texts, [name]: text });
    setRefused(null);
    setKey(crypto.randomUUID());
  };
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setAsked(true);
    if (Object.keys(faults).length > 0) {
      focusFirstFault(form.current!);
      return;
    }
    setBusy(true);
    setRefused(null);
    try {
      const { msgid } = await post<MessageView>('/v1/messages', { flow: flow.name, parameters }, key);
      await navigate({ to: '/messages/$msgid', params: { msgid: String(msgid) } });
    } catch (error) {
      setRefused(error as Error);
      setBusy(false);
      focusFirstFault(form.current!);
    }
  };
  const errorOf = (name: string): string | null => {
    const fault = faults[name];
    if (asked && fault !== undefined) return word(fault.word, fault.holes);
    return theirs.get(name) ?? null;
  };
  return (
    <Screen title={<span className="font-mono">{flow.name}</span>}>
      <p className="max-w-3xl text-soft">{flow.about}</p>
      <StepsLine steps={flow.steps} />
      <form
        ref={form}
        noValidate
        onSubmit={event => void submit(event)}
        className="card grid max-w-3xl gap-x-6 gap-y-4 p-4 sm:grid-cols-2"
      >
        {Object.keys(schemas).length === 0 && <p className="text-soft">{word('create.noParameters')}</p>}
        {Object.entries(schemas).map(([name, schema]) => (
          <ParameterField
            key={name}
            name={name}
            schema={schema}
            required={flow.required.includes(name)}
            text={texts[name] ?? firstText(schema)}
            error={errorOf(name)}
            onChange={text => change(name, text)}
          />
        ))}
        {refused !== null && (
          <div className="sm:col-span-2">
            <ProblemNotice error={refused} />
          </div>
        )}
        <Button
          kind="main"
          type="submit"
          disabled={busy}
          className="min-h-8 sm:col-span-2 sm:justify-self-start sm:px-6"
        >
          {word('create.do')}
        </Button>
      </form>
    </Screen>
  );
}

/** After the faults are drawn, the first of them is where a person goes on. */
function focusFirstFault(form: HTMLFormElement): void {
  requestAnimationFrame(() =>
    requestAnimationFrame(() => form.querySelector<HTMLElement>('[aria-invalid=true]')?.focus()),
  );
}

/** What the message will do, in its order. */
function StepsLine({ steps }: { steps: readonly string[] }) {
  const word = useWords();
  return (
    <ol aria-label={word('message.plan')} className="flex flex-wrap items-center gap-y-1 text-xs text-soft">
      {steps.map((step, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a step is its place
        <li key={index} className="flex items-center">
          {index > 0 && <span aria-hidden="true" className="mx-1.5 h-px w-4 bg-edge" />}
          <span className="rounded bg-sunk px-1.5 py-0.5">{step}</span>
        </li>
      ))}
    </ol>
  );
}
