import type { Context } from '../../context.ts';

/** The option of verbs that give rights. */
export const INSTALLATION_OPTION = {
  flags: '--installation',
  about: 'Of the whole installation, with every project, rather than of one project',
} as const;

/** Of what rights are given: `--installation`, else `--project`, else COAX_PROJECT, else the project default. */
export function placeOf({ globals }: Context, installation: boolean | undefined): string {
  return installation ? '*' : (askedProject(globals) ?? 'default');
}

/** For a list: what was asked for; undefined for all that the token may see. */
export function placeToList({ globals }: Context, installation: boolean | undefined): string | undefined {
  return installation ? '*' : askedProject(globals);
}

const askedProject = (globals: Context['globals']): string | undefined =>
  globals.project ?? (process.env.COAX_PROJECT || undefined);

/** As people read it. */
export const placeText = (project: string): string => (project === '*' ? '(installation)' : project);
