/** The JSON Schema of a parameter, as flows have it. */
export interface ParameterSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly items?: ParameterSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, ParameterSchema>>;
  readonly required?: readonly string[];
  readonly secret?: boolean;
}

/** How a parameter is asked for. */
export type Control = 'choice' | 'flag' | 'number' | 'text' | 'longText' | 'secret' | 'lines' | 'json';

const LONG_TEXT = 200;

/** Is something in it secret, however deep? */
export function holdsSecret({ secret, items, properties = {} }: ParameterSchema): boolean {
  return secret === true || [...Object.values(properties), ...(items ? [items] : [])].some(holdsSecret);
}

export function controlOf(schema: ParameterSchema): Control {
  if (schema.enum !== undefined) return 'choice';
  if (schema.secret === true) return 'secret';
  switch (schema.type) {
    case 'boolean':
      return 'flag';
    case 'integer':
    case 'number':
      return 'number';
    case 'string':
      return (schema.maxLength ?? 0) > LONG_TEXT ? 'longText' : 'text';
    case 'array':
      return schema.items?.type === 'string' && schema.items.secret !== true ? 'lines' : 'json';
    default:
      return 'json';
  }
}

/** A value as its control shows it. */
function textOf(schema: ParameterSchema, value: unknown): string {
  if (value === undefined) return '';
  switch (controlOf(schema)) {
    case 'lines':
      return Array.isArray(value) ? value.join('\n') : '';
    case 'text':
    case 'longText':
    case 'secret':
      return typeof value === 'string' ? value : JSON.stringify(value);
    case 'number':
      return String(value);
    default:
      return JSON.stringify(value);
  }
}

/** What a person sees before anything was typed: the default. A choice or a flag without one begins with its first value. */
export function firstText(schema: ParameterSchema): string {
  if (schema.default !== undefined) return textOf(schema, schema.default);
  return '';
}

/** Bounds in the signs that people know, as `1 … 255`; empty when there are none. */
export function boundsText(schema: ParameterSchema): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, minItems, maxItems } = schema;
  const parts = [
    rangeText(minimum ?? minItems, maximum ?? maxItems),
    exclusiveMinimum !== undefined && `> ${exclusiveMinimum}`,
    exclusiveMaximum !== undefined && `< ${exclusiveMaximum}`,
  ];
  return parts.filter(Boolean).join(', ');
}

/** Both ends, or the one there is; empty when there is none. */
export function rangeText(low: number | undefined, high: number | undefined): string {
  if (low !== undefined && high !== undefined) return `${low} … ${high}`;
  if (low !== undefined) return `≥ ${low}`;
  return high === undefined ? '' : `≤ ${high}`;
}
