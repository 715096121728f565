import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
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
    'They are a promise to scripts.',
    table(
      ['status', 'when'],
      exitStatuses().map(([status, about]) => [status, about]),
    ),
    '## Environment',
    table(
      ['variable', 'what'],
      [
        [
          '`COAX_DATA`',
          'data directory; else `/var/lib/coax` for root, else `$XDG_DATA_HOME/coax`, else `~/.local/share/coax`',
        ],
        ['`COAX_PROJECT`', 'project of what is submitted and listed; `--project` goes first'],
        [
          '`COAX_URL`',
          "server's address; else that of the context, else that of the server that runs in the data directory",
        ],
        [
          '`COAX_CONTEXT`',
          'server that was logged in to; else the one of `coax context use`, unless a data directory is named',
        ],
        [
          '`COAX_CONFIG`',
          'file of logins; else `$XDG_CONFIG_HOME/coax/contexts.json`, else `~/.config/coax/contexts.json`',
        ],
        [
          '`COAX_TOKEN`',
          "token; else the login, else the data directory's `token` file, each of which goes to its own server only",
        ],
        ['`COAX_LISTEN`', 'default of `coax up --listen`'],
        ['`NO_COLOR`, `FORCE_COLOR`', 'colours off or on; `--color` goes before them'],
        ['`COAX_DEBUG`', 'adds the stack of a defect to its error'],
      ],
    ),
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
