import { useId } from 'react';
import { Button, IconButton } from '../../../parts/button.tsx';
import { TextInput } from '../../../parts/field.tsx';
import { isSecret, valueText } from '../../../parts/value-text.ts';
import { useWords } from '../../../words/words.ts';
import type { Edit } from './edits.ts';

interface ParameterEditorProps {
  readonly known: Readonly<Record<string, unknown>>;
  readonly edits: readonly Edit[];
  readonly onChange: (edits: readonly Edit[]) => void;
}

/** Parameters to change: the names that there are, or new ones, and what each is to be. */
export function ParameterEditor({ known, edits, onChange }: ParameterEditorProps) {
  const word = useWords();
  const id = useId();
  const change = (index: number, edit: Edit): void => onChange(edits.with(index, edit));
  return (
    <fieldset className="space-y-1.5">
      <legend className="mb-1 text-xs font-medium text-soft">{word('edit.title')}</legend>
      <datalist id={id}>
        {Object.keys(known).map(name => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {edits.map((edit, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line of the editor is its place
        <div key={index} className="grid grid-cols-[minmax(0,2fr)_minmax(0,3fr)_auto] items-center gap-1.5">
          <TextInput
            aria-label={word('edit.name')}
            list={id}
            value={edit.name}
            onChange={event => {
              const name = event.target.value;
              const value =
                edit.text === '' && Object.hasOwn(known, name) ? valueText(known[name]) : edit.text;
              change(index, { name, text: value });
            }}
            className="font-mono text-xs"
          />
          <TextInput
            aria-label={word('edit.value')}
            value={edit.text}
            type={isSecret(known[edit.name]) ? 'password' : 'text'}
            onChange={event => change(index, { ...edit, text: event.target.value })}
            className="font-mono text-xs"
          />
          <IconButton
            icon="close"
            label={word('edit.remove')}
            onClick={() => onChange(edits.toSpliced(index, 1))}
          />
        </div>
      ))}
      <Button icon="create" onClick={() => onChange([...edits, { name: '', text: '' }])}>
        {word('edit.add')}
      </Button>
    </fieldset>
  );
}
