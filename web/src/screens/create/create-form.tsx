import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import type { FlowView } from '../../../../src/api/flow.ts';
import type { MessageView } from '../../../../src/api/message.ts';
import { useFlows } from '../../api/flows.ts';
import { post, RequestError } from '../../api/request.ts';
import { useProjects } from '../../api/whoami.ts';
import { Button } from '../../parts/button.tsx';
import { useCommand } from '../../parts/command/command-line.tsx';
import { Field, Select } from '../../parts/field.tsx';
import { Empty, Loading, ProblemNotice } from '../../parts/notice.tsx';
import { FaultScreen } from '../../parts/screen/fault-screen.tsx';
import { Screen } from '../../parts/screen/screen.tsx';
import { useWords } from '../../words/words.ts';
import { ParameterField } from './parameter-field.tsx';
import { type FormReading, faultsByName, readForm, type Texts } from './read-form.ts';
import { runCommand } from './run-command.ts';
import { firstText, type ParameterSchema } from './schema.ts';

type Schemas = Readonly<Record<string, ParameterSchema>>;

/** A form made from a flow's schema. */
export function CreateForm() {
  const { flow: name } = useParams({ from: '/create/$flow' });
  const { data, error, refetch } = useFlows();
  if (error) {
    return <FaultScreen name={name} list="/create" error={error} onRetry={() => void refetch()} />;
  }
  if (data === undefined) return <Loading />;
  const flow = data.items.find(one => one.name === name);
  if (flow === undefined) return <NoSuchFlow name={name} />;
  return <FormOf key={name} flow={flow} />;
}

function NoSuchFlow({ name }: { name: string }) {
  const word = useWords();
  useCommand('coax flow ls');
  return (
    <Screen title={name}>
      <div className="card">
        <Empty title={word('create.noSuch', { name })}>
          <Link to="/create" className="text-accent underline underline-offset-2">
            {word('create.all')}
          </Link>
        </Empty>
      </div>
    </Screen>
  );
}

interface FormState {
  readonly texts: Texts;
  readonly refused: Error | null;
  readonly busy: boolean;
  readonly project: string;
  readonly setProject: (project: string) => void;
  readonly reading: FormReading;
  readonly change: (name: string, text: string) => void;
  readonly submit: (form: HTMLFormElement) => Promise<void>;
  /** What is wrong at a parameter: as the page sees it once it was asked for, else as the server said. */
  readonly errorOf: (name: string) => string | null;
}

/** What was typed, what is wrong with it, and the sending of it. */
function useForm(flow: FlowView, schemas: Schemas): FormState {
  const word = useWords();
  const navigate = useNavigate();
  const [texts, setTexts] = useState<Texts>({});
  const [asked, setAsked] = useState(false);
  const [refused, setRefused] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  // The same form, sent again because no answer came, must not make a second message.
  const [key, setKey] = useState(newKey);
  const [project, setProject] = useState('');
  const reading = readForm(schemas, flow.required, texts);
  const { parameters, faults } = reading;
  const theirs = faultsByName((refused instanceof RequestError && refused.problem?.faults) || []);
  const change = (name: string, text: string): void => {
    setTexts({ ...texts, [name]: text });
    setRefused(null);
    setKey(newKey());
  };
  const submit = async (form: HTMLFormElement): Promise<void> => {
    setAsked(true);
    if (Object.keys(faults).length > 0) {
      focusFirstFault(form);
      return;
    }
    setBusy(true);
    setRefused(null);
    const body = { flow: flow.name, parameters, ...(project !== '' && { project }) };
    try {
      const { msgid } = await post<MessageView>('/v1/messages', body, key);
      await navigate({ to: '/messages/$msgid', params: { msgid: String(msgid) } });
    } catch (error) {
      setRefused(error as Error);
      setBusy(false);
      focusFirstFault(form);
    }
  };
  const errorOf = (name: string): string | null => {
    const fault = faults[name];
    if (asked && fault !== undefined) return word(fault.word, fault.holes);
    return theirs.get(name) ?? null;
  };
  return { texts, refused, busy, project, setProject, reading, change, submit, errorOf };
}

/** Pages that came over plain HTTP from another machine have no `randomUUID`. */
const newKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('');

function FormOf({ flow }: { flow: FlowView }) {
  const word = useWords();
  const schemas = flow.parameters as Schemas;
  const { texts, refused, busy, project, setProject, reading, change, submit, errorOf } = useForm(
    flow,
    schemas,
  );
  const projects = useProjects('operate');
  useCommand(runCommand(flow.name, schemas, reading.parameters, project));
  return (
    <Screen name={flow.name} title={<span className="font-mono">{flow.name}</span>}>
      <p className="max-w-3xl text-soft">{flow.about}</p>
      <StepsLine steps={flow.steps} />
      <form
        noValidate
        onSubmit={event => {
          event.preventDefault();
          void submit(event.currentTarget);
        }}
        className="card grid max-w-3xl gap-x-6 gap-y-4 p-4 sm:grid-cols-2"
      >
        {projects.length > 1 && <ProjectField projects={projects} value={project} onPick={setProject} />}
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
          blocked={projects.length === 0 ? word('blocked.nowhere') : null}
          className="min-h-8 sm:col-span-2 sm:justify-self-start sm:px-6"
        >
          {word('create.do')}
        </Button>
      </form>
    </Screen>
  );
}

/** Whose the message is to be; asked for where there is a choice. */
function ProjectField(props: { projects: readonly string[]; value: string; onPick: (name: string) => void }) {
  const { projects, value, onPick } = props;
  const word = useWords();
  return (
    <div className="sm:col-span-2">
      <Field label={word('message.project')}>
        {attributes => (
          <Select {...attributes} value={value} onChange={event => onPick(event.target.value)}>
            <option value="">{word('create.usualProject')}</option>
            {projects.map(name => (
              <option key={name}>{name}</option>
            ))}
          </Select>
        )}
      </Field>
    </div>
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
