import type { Context } from '../../context.ts';

/** The option of verbs that give rights. */
export const INSTALLATION_OPTION = {
  flags: '--installation',
  about: 'Of the whole installation, with every project, rather than of one project',
} as const;

/** Of what rights are given: `--installation`, else `--project`, else COAX_PROJECT, else that of the context, else the project default. */
export function placeOf(context: Context, installation: boolean | undefined): string {
  return installation ? '*' : (askedProject(context) ?? 'default');
}

/** For a list: what was asked for; undefined for all that the token may see. */
export function placeToList(context: Context, installation: boolean | undefined): string | undefined {
  return installation ? '*' : askedProject(context);
}

const askedProject = ({ globals, address }: Context): string | undefined =>
  globals.project ?? (process.env.COAX_PROJECT || address().project);

/** As people read it. */
export const placeText = (project: string): string => (project === '*' ? '(installation)' : project);
