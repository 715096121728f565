import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ENVIRONMENT } from '../../src/cli/environment.ts';
import { GLOBAL_OPTIONS } from '../../src/cli/global-options.ts';
import { exitStatuses } from '../../src/cli/help.ts';
import { loadVerbs, makeProgram } from '../../src/cli/program.ts';
import { GROUPS } from '../../src/cli/verbs.ts';
import { pageText } from './page.ts';

export const CLI_PAGE = fileURLToPath(new URL('../../docs/reference/cli.md', import.meta.url));

/** The reference page of the command line, made from the table of verbs and their help. */
export async function cliPage(): Promise<string> {
  const loaded = await loadVerbs('all');
  const program = makeProgram(loaded, () => {});
  const parts = [
    '# Command line',
    'Made from the table of verbs and their help: `coax VERB --help` prints the same.',
    'Standard output is data only; hints, progress and errors go to standard error. `-o json` prints the API\'s object unchanged; a list is `{"items": […]}`. `MSGID` may be `@` (the newest message); a commit is named by its first digits, by `MSGID` (its newest commit) or by `MSGID~N` (the Nth before that).',
    '## Options of every verb',
    table(
      ['option', 'what'],
      GLOBAL_OPTIONS.map(({ flags, about }) => [`\`${flags}\``, about]),
    ),
    '## Exit statuses',
    'They are a promise to scripts; `coax help exit-statuses` prints them, and `coax help environment` the variables below.',
    table(
      ['status', 'when'],
      exitStatuses().map(([status, about]) => [status, about]),
    ),
    '## Environment',
    table(['variable', 'what'], ENVIRONMENT),
    'A step that is an executable is given [variables of its own](../how-to/write-a-step.md).',
  ];
  for (const group of GROUPS) {
    parts.push(`## ${group.title}`);
    for (const { path, about } of group.verbs) {
      const command = path
        .split(' ')
        .reduce((above, word) => above.commands.find(known => known.name() === word)!, program);
      parts.push(
        `### coax ${path}`,
        `${about}.`,
        `\`\`\`text\n${withoutGlobals(command.helpInformation())}\n\`\`\``,
      );
    }
  }
  return pageText(...parts);
}

/** The options of every verb stand once on the page. */
function withoutGlobals(help: string): string {
  return help.replace(/\n\nEverywhere:\n(?: {2}.*\n?)+/, '\n').trimEnd();
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

if (import.meta.main) writeFileSync(CLI_PAGE, await cliPage());
