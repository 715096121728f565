import { Field, type FieldAttributes, Select, TextArea, TextInput } from '../../parts/field.tsx';
import { valueText } from '../../parts/value-text.ts';
import { useWords } from '../../words/words.ts';
import {
  boundsText,
  type Control,
  controlOf,
  holdsSecret,
  type ParameterSchema,
  rangeText,
} from './schema.ts';

interface ParameterFieldProps {
  readonly name: string;
  readonly schema: ParameterSchema;
  readonly required: boolean;
  readonly text: string;
  readonly error: string | null;
  readonly onChange: (text: string) => void;
}

const WIDE: ReadonlySet<Control> = new Set(['lines', 'longText', 'json']);

/** Asks for one parameter by what its schema says of it. */
export function ParameterField({ name, schema, required, text, error, onChange }: ParameterFieldProps) {
  const word = useWords();
  const control = controlOf(schema);
  const length = rangeText(schema.minLength, schema.maxLength);
  const notes = [
    boundsText(schema),
    length !== '' && word('create.characters', { n: length }),
    schema.format,
    control === 'lines' && word('create.lines'),
    control === 'json' && 'JSON',
    holdsSecret(schema) && word('create.secret'),
    schema.default !== undefined &&
      schema.default !== '' &&
      word('create.default', { value: valueText(schema.default, 60) }),
  ].filter(Boolean);
  return (
    <div className={WIDE.has(control) ? 'sm:col-span-2' : ''}>
      <Field
        label={name}
        required={required}
        error={error}
        hint={
          <>
            {schema.description}
            {schema.description && notes.length > 0 ? ' · ' : ''}
            <span className="text-faint">{notes.join(' · ')}</span>
          </>
        }
      >
        {attributes => (
          <ParameterControl
            schema={schema}
            required={required}
            text={text}
            onChange={onChange}
            attributes={attributes}
          />
        )}
      </Field>
    </div>
  );
}

interface ControlProps extends Pick<ParameterFieldProps, 'schema' | 'required' | 'text' | 'onChange'> {
  readonly attributes: FieldAttributes;
}

function ParameterControl({ schema, required, text, onChange, attributes }: ControlProps) {
  const word = useWords();
  const shared = {
    ...attributes,
    value: text,
    onChange: (event: { target: { value: string } }) => onChange(event.target.value),
  };
  switch (controlOf(schema)) {
    case 'choice':
    case 'flag': {
      const values = schema.enum ?? [true, false];
      return (
        <Select {...shared}>
          {(!required || text === '') && schema.default === undefined && (
            <option value="">{word('create.pick')}</option>
          )}
          {values.map(value => (
            <option key={JSON.stringify(value)} value={JSON.stringify(value)}>
              {schema.enum === undefined
                ? word(value === true ? 'create.yes' : 'create.no')
                : valueText(value)}
            </option>
          ))}
        </Select>
      );
    }
    case 'number':
      return <TextInput {...shared} inputMode="decimal" />;
    case 'secret':
      return <TextInput {...shared} type="password" autoComplete="new-password" />;
    case 'lines':
    case 'longText':
      return <TextArea {...shared} rows={4} />;
    case 'json':
      return (
        <TextArea
          {...shared}
          rows={2}
          className={`font-mono text-xs ${holdsSecret(schema) ? 'typed-unseen' : ''}`}
        />
      );
    default:
      return <TextInput {...shared} />;
  }
}
