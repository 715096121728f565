import { shellWord } from '../../parts/command/shell-word.ts';
import { holdsSecret, type ParameterSchema } from './schema.ts';

/** The command that submits the same. A secret stands in no command: the shell would keep it. */
export function runCommand(
  flow: string,
  schemas: Readonly<Record<string, ParameterSchema>>,
  parameters: Readonly<Record<string, unknown>>,
  project = '',
): string {
  const words = Object.entries(parameters).map(([name, value]) => {
    if (schemas[name] && holdsSecret(schemas[name])) return `${name}=@FILE`;
    return shellWord(`${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  });
  const of = project === '' ? [] : [`--project ${shellWord(project)}`];
  return ['coax run', flow, ...words, ...of, '--wait'].join(' ');
}
