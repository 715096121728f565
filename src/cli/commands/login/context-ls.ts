import { readServerFile } from '../../data-dir.ts';
import { contextsFile, LOCAL, type Login, readContexts } from '../../login/contexts.ts';
import { cell } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';

interface Row {
  readonly name: string;
  readonly current: boolean;
  readonly url: string | null;
  readonly actor: string | null;
  readonly project: string | null;
  /** How one is logged in; null: not. */
  readonly login: 'token' | 'session' | null;
  /** Null: it is renewed by itself, or has no end that is known here. */
  readonly expires: string | null;
}

/** The servers that one was logged in to. */
export const verb = defineVerb({
  examples: [
    ['coax context ls', 'which servers are known, and to which verbs go'],
    ['coax context ls -o name', 'their names'],
  ],
  details: [
    `The server of the data directory is always among them, as ${LOCAL}. Nothing that opens something is shown.`,
  ],
  async run({ out, dataDir }) {
    const { current, contexts } = readContexts();
    const local = readServerFile(dataDir);
    const items: Row[] = [
      ...Object.entries(contexts).map(([name, { url, actor, project = null, login }]) => ({
        name,
        current: name === current,
        url,
        actor,
        project,
        login: login?.kind ?? null,
        expires: login?.kind === 'session' && login.renewal === null ? login.expires : null,
      })),
      {
        name: LOCAL,
        current: current === null,
        url: local?.alive ? local.url : null,
        actor: null,
        project: null,
        login: null,
        expires: null,
      },
    ];
    await out.list(
      { items },
      {
        name: ({ name }) => name,
        empty: `no context yet in ${contextsFile()}`,
        columns: [
          { head: '', cell: ({ current: isCurrent }) => (isCurrent ? '*' : '') },
          { head: 'NAME', cell: ({ name }) => cell(name) },
          { head: 'SERVER', cell: ({ url }) => cell(url ?? 'not running') },
          { head: 'AS', cell: ({ actor, name }) => cell(name === LOCAL ? 'the data directory' : actor) },
          { head: 'PROJECT', cell: ({ project }) => cell(project ?? '') },
          { head: 'LOGIN', cell: row => cell(row.name === LOCAL ? '' : loginText(row)) },
        ],
      },
    );
    return 0;
  },
});

function loginText({ login, expires }: { login: Login['kind'] | null; expires: string | null }): string {
  if (login === null) return 'logged out';
  if (login === 'token') return 'token';
  if (expires === null) return 'renewed by itself';
  return Date.parse(expires) > Date.now() ? `until ${expires.slice(0, 16)}Z` : 'expired';
}
