/** What a user may set in the environment: name and meaning, for `coax help environment` and the manual. */
export const ENVIRONMENT: readonly (readonly [names: string, about: string])[] = [
  [
    '`COAX_DATA`',
    'data directory; else `/var/lib/coax` for root, else `$XDG_DATA_HOME/coax`, else `~/.local/share/coax`',
  ],
  ['`COAX_PROJECT`', 'project of what is submitted and listed; `--project` goes first'],
  [
    '`COAX_URL`',
    "server's address, or several with commas between; else that of the context, else that of the server that runs in the data directory",
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
  [
    '`COAX_STORE`',
    'of `coax up`: `postgres://…` for a store that servers and workers share; else SQLite in the data directory',
  ],
  ['`COAX_SECRET_KEY_FILE`', 'default of `coax up --secret-key-file`'],
  ['`COAX_JOIN_TOKEN`', 'default of `coax agent --token`: a host joins with it'],
  [
    '`COAX_CACHE`',
    "folder of the guests' built images, which may be deleted; else `$XDG_CACHE_HOME/coax`, else `~/.cache/coax`",
  ],
  [
    '`COAX_CGROUP`',
    "folder of cgroup v2 in which programs with limits get their groups; else the process's own",
  ],
  ['`COAX_COMPLETION_MS`', 'how long a shell waits for a server that completes names; 200 if absent'],
  ['`COAX_NODE`', 'Node 24 to run with, in place of the one that `npm ci` installed'],
  ['`NO_COLOR`, `FORCE_COLOR`', 'colours off or on; `--color` goes before them'],
  ['`COAX_DEBUG`', 'adds the stack of a defect to its error'],
];
