/** What kind of trouble an error is; fixes the HTTP status and the exit status. */
export type ErrorKind =
  | 'input'
  | 'auth'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'changed'
  | 'exhausted'
  | 'unavailable'
  | 'limited'
  | 'timeout'
  | 'failed'
  | 'parked'
  | 'corrupt'
  | 'internal';

/** HTTP status and exit status of each kind. Exit statuses are a promise to scripts. */
export const KINDS: Readonly<Record<ErrorKind, { http: number; exit: number; about: string }>> = {
  input: { http: 400, exit: 2, about: 'The request itself is wrong; sending it again will not help.' },
  auth: { http: 401, exit: 7, about: 'No token, or one that is not known.' },
  forbidden: { http: 403, exit: 7, about: 'The token is known and may not do this.' },
  not_found: { http: 404, exit: 3, about: 'Nothing has that name, or several things share that prefix.' },
  conflict: { http: 409, exit: 5, about: 'The thing is not in a state that allows this.' },
  changed: { http: 412, exit: 5, about: 'It is no longer as the request says that it was.' },
  exhausted: { http: 409, exit: 4, about: 'Nothing is left to give: no host fits, no address is free.' },
  unavailable: { http: 503, exit: 6, about: 'May be tried again.' },
  limited: {
    http: 429,
    exit: 6,
    about: 'Too much at once; may be tried again after the time in Retry-After.',
  },
  timeout: { http: 504, exit: 8, about: 'The wait ended; the work goes on.' },
  failed: { http: 409, exit: 1, about: 'A step said no for good; everything done was undone.' },
  parked: { http: 409, exit: 9, about: 'An undo failed for good; a person must decide.' },
  corrupt: { http: 500, exit: 10, about: 'Stored data does not verify; never repaired silently.' },
  internal: { http: 500, exit: 70, about: 'A defect in Coax; the log has the stack under the incident id.' },
};

/**
 * Every error that Coax raises. A code never changes its meaning and is never used again.
 * `about` says when it is raised; `hint` is what to do, and is the default hint of the error.
 */
export const CODES = {
  COAX_MESSAGE_INVALID: {
    kind: 'input',
    about: 'A message, plan or parameter does not have the right form.',
    hint: 'Mend the place that is named, and send it again.',
  },
  COAX_MESSAGE_TOO_LARGE: {
    kind: 'input',
    about: 'Parameters, a plan or a value goes over a limit.',
    hint: 'Keep large data elsewhere and pass its address.',
  },
  COAX_MESSAGE_NOT_FOUND: {
    kind: 'not_found',
    about: 'No message has that msgid.',
    hint: '`coax ls` lists the messages.',
  },
  COAX_MESSAGE_STATE: {
    kind: 'conflict',
    about: 'The message is not in a state that allows this.',
    hint: '`coax log MSGID` shows its state.',
  },
  COAX_CHANGED: {
    kind: 'changed',
    about: 'What was to be changed has changed since it was read (`If-Match`).',
    hint: 'Read it again, and decide again.',
  },
  COAX_MESSAGE_BUILT_ON: {
    kind: 'conflict',
    about: 'Something later was built on this message, so it cannot be reverted alone.',
    hint: 'Revert the later messages first.',
  },
  COAX_FLOW_NOT_FOUND: {
    kind: 'not_found',
    about: 'No flow has that name.',
    hint: '`coax flow ls` lists the flows.',
  },
  COAX_FLOW_INVALID: {
    kind: 'input',
    about: 'A flow file does not have the right form.',
    hint: '`coax lint FILE` explains every fault.',
  },
  COAX_PARAMETERS_INVALID: {
    kind: 'input',
    about: "Parameters do not fit the flow's schema.",
    hint: '`coax flow show FLOW` prints the schema.',
  },
  COAX_POLICY_INVALID: {
    kind: 'input',
    about: 'A file of placement policies does not have the right form.',
    hint: 'See docs/how-to/place-vms.md.',
  },
  COAX_COMMIT_NOT_FOUND: {
    kind: 'not_found',
    about: 'No commit has an id that begins so.',
    hint: '`coax log MSGID` lists the commits of a message.',
  },
  COAX_COMMIT_AMBIGUOUS: {
    kind: 'not_found',
    about: 'Several commits have ids that begin so.',
    hint: 'Give more digits.',
  },
  COAX_NOT_FOUND: { kind: 'not_found', about: 'No such thing.', hint: 'List what there is with `ls`.' },
  COAX_METHOD_NOT_ALLOWED: {
    kind: 'not_found',
    about: 'There is something at this path, but not by this method.',
    hint: 'The header Allow names the methods that it takes; GET /openapi.json lists every operation.',
  },
  COAX_WORKER_NAME: {
    kind: 'conflict',
    about: 'Another living process has the name that this worker was to have.',
    hint: '`coax workers` shows it; give this one another name.',
  },
  COAX_NOT_READY: {
    kind: 'unavailable',
    about: 'The process takes no work now: it starts, drains, or its store is away.',
    hint: 'Ask another server, or this one again later; `faults` says what it waits for.',
  },
  COAX_MODULE_UNKNOWN: {
    kind: 'input',
    about: 'No module or action has that name.',
    hint: '`coax step ls` lists the actions.',
  },
  COAX_MODULE_INVALID: {
    kind: 'input',
    about: 'A module file cannot be used.',
    hint: 'See docs/how-to/write-a-step.md.',
  },
  COAX_STEP_INPUT: {
    kind: 'input',
    about: "A step's input does not fit its schema.",
    hint: 'Mend the parameter that `where` names.',
  },
  COAX_STEP_OUTPUT: {
    kind: 'failed',
    about: 'A step gave something that is not one JSON object of its schema.',
    hint: 'Run it alone with `coax step run`.',
  },
  COAX_STEP_FAILED: {
    kind: 'failed',
    about: 'A step said no for good.',
    hint: '`coax show COMMIT` has its log.',
  },
  COAX_STEP_TIMEOUT: {
    kind: 'failed',
    about: 'A step took longer than its timeout.',
    hint: 'Raise `timeout` of the step in the flow.',
  },
  COAX_STEP_KILLED: {
    kind: 'failed',
    about: 'A step was ended by a signal.',
    hint: '`coax show COMMIT` has its log.',
  },
  COAX_STEP_MEMORY: {
    kind: 'failed',
    about: 'A step needed more memory than it may have (memoryMib in module.yaml), or than the machine had.',
    hint: 'Give it more, or let it do with less; `coax show COMMIT` has its log.',
  },
  COAX_STEP_START: {
    kind: 'failed',
    about: 'A step could not be started.',
    hint: 'See `reason`: missing, not executable, or a bad first line.',
  },
  COAX_STEP_CANCELLED: {
    kind: 'failed',
    about: 'A person cancelled the message while the step ran.',
    hint: 'Nothing to do.',
  },
  COAX_STEP_IRREVERSIBLE: {
    kind: 'failed',
    about: 'The walk back met an action that has no undo.',
    hint: '`coax resolve MSGID undone --reason …` once it was undone by hand.',
  },
  COAX_STEP_LOST: {
    kind: 'failed',
    about: 'The worker that ran the step is gone; another takes the step.',
    hint: 'Nothing to do.',
  },
  COAX_GROUP_FAILED: {
    kind: 'failed',
    about: 'A branch of a group failed, so its siblings were rolled back.',
    hint: '`coax log` of the child message tells why.',
  },
  COAX_PREEMPTING: {
    kind: 'unavailable',
    about: 'No host has room now; preemptible VMs are being removed to make it.',
    hint: 'The step waits and is tried again; `coax why MSGID` names the VMs that make room.',
  },
  COAX_NO_VALID_HOST: {
    kind: 'exhausted',
    about: 'No host passes every filter.',
    hint: '`coax why MSGID` says how many hosts each filter removed.',
  },
  COAX_NO_FREE_ADDRESS: {
    kind: 'exhausted',
    about: 'The network has no free address.',
    hint: '`coax network show NAME` lists who holds them.',
  },
  COAX_VM_EXISTS: {
    kind: 'conflict',
    about: 'A VM of that name exists.',
    hint: 'Choose another name; `coax vm ls` lists them.',
  },
  COAX_HOST_LOST: {
    kind: 'failed',
    about: "The step's host was declared lost, so nothing can be done there.",
    hint: '`coax host ls` shows why; run the flow again, and another host is chosen.',
  },
  COAX_HOST_STATE: {
    kind: 'conflict',
    about: 'The host is not in a state that allows this.',
    hint: '`coax host show HOST` shows its state.',
  },
  COAX_HYPERVISOR: {
    kind: 'failed',
    about: 'The hypervisor refused or failed.',
    hint: '`coax vm console NAME` and `coax doctor` tell more.',
  },
  COAX_TOOL_MISSING: {
    kind: 'failed',
    about: 'A program that this needs is not installed.',
    hint: '`coax doctor` names the package.',
  },
  COAX_STORE_UNAVAILABLE: {
    kind: 'unavailable',
    about: 'The store cannot be written or read now (full disk, read-only folder, locked file).',
    hint: 'Mend what `reason` says; nothing accepted is lost.',
  },
  COAX_STORE_LOCKED: {
    kind: 'conflict',
    about: 'Another server uses this data directory.',
    hint: '`coax down` ends it, or set COAX_DATA to another folder.',
  },
  COAX_STORE_CORRUPT: {
    kind: 'corrupt',
    about: 'The database file is damaged.',
    hint: 'Restore a backup; `coax fsck --offline` lists the damage.',
  },
  COAX_STORE_NEWER: {
    kind: 'conflict',
    about: 'The database was written by a newer Coax.',
    hint: 'Use that version.',
  },
  COAX_STORE_OLDER: {
    kind: 'conflict',
    about: 'The database was written by an older Coax and has not been migrated.',
    hint: 'Start this Coax on it once: `coax up --detach`, then `coax down`.',
  },
  COAX_STORE_NOT_EMPTY: {
    kind: 'conflict',
    about: 'A store is to be filled that holds something already.',
    hint: 'Name a database or a folder that Coax has never used.',
  },
  COAX_ARCHIVE_UNAVAILABLE: {
    kind: 'unavailable',
    about: 'An archive file cannot be read or written now.',
    hint: 'Mend what `reason` says: the folder, or the access to the bucket (COAX_S3_ENDPOINT, AWS_…).',
  },
  COAX_ARCHIVE_CORRUPT: {
    kind: 'corrupt',
    about: 'An archive file does not verify.',
    hint: 'Restore it from a copy; `coax fsck` names every such file.',
  },
  COAX_LEASE_LOST: {
    kind: 'conflict',
    about: 'The claim is no longer valid: the message moved on without this worker.',
    hint: 'Claim again.',
  },
  COAX_CONFLICT: {
    kind: 'conflict',
    about: 'What is there already, or is still in use, stands against it.',
    hint: 'The reason names what; choose another name, or end that first.',
  },
  COAX_IDEMPOTENCY_CONFLICT: {
    kind: 'conflict',
    about: 'The same idempotency key came with another body.',
    hint: 'Use a new key for a new request.',
  },
  COAX_AUTH_MISSING: {
    kind: 'auth',
    about: 'The request has no valid token.',
    hint: "Set COAX_TOKEN, or read the data directory's `token` file.",
  },
  COAX_FORBIDDEN: {
    kind: 'forbidden',
    about:
      'The token is a good one, but does not open that: its roles, or the host whose it is, do not reach so far.',
    hint: '`coax whoami` shows what the token opens; an admin of the project gives roles.',
  },
  COAX_LOGIN_FAILED: {
    kind: 'auth',
    about: 'A login by the provider of the installation did not come to its end.',
    hint: 'Sign in again, in one browser and without waiting long.',
  },
  COAX_LOGIN_EXPIRED: {
    kind: 'auth',
    about:
      'A login that `coax login` made is over: expired, revoked or ended, and the provider gives no new one.',
    hint: 'Log in again: `coax login`.',
  },
  COAX_LOGIN_UNAVAILABLE: {
    kind: 'unavailable',
    about: 'The provider of logins does not answer, or not as the settings of `coax up --oidc` expect.',
    hint: 'Sign in again later, or with a token; an admin compares the file of `coax up --oidc` with the provider.',
  },
  COAX_JOIN_TOKEN: {
    kind: 'auth',
    about: 'The join token does not let this host in: not known, used already, expired, or for another host.',
    hint: '`coax host token` on the server makes another.',
  },
  COAX_HOST_EXISTS: {
    kind: 'conflict',
    about: 'A host of that name is there already, with another key.',
    hint: 'Give the new one another name, or `coax host token HOST --replace` if it is the same machine.',
  },
  COAX_CHALLENGE: {
    kind: 'auth',
    about: 'The challenge that a host signed is too old, was answered already, or is not one for it.',
    hint: 'Ask for a new one.',
  },
  COAX_AGENT_KEY: {
    kind: 'auth',
    about: "A host's key is not known here, or was replaced or revoked.",
    hint: '`coax host token HOST --replace` on the server makes a token by which it joins anew.',
  },
  COAX_WEBHOOK_URL: {
    kind: 'input',
    about:
      'A webhook may not send there: the URL is none, or names an address that is not of the public internet.',
    hint: 'Give an https URL of a public host; `coax up --webhook-allow NETWORK` allows others.',
  },
  COAX_SECRET_KEY_MISSING: {
    kind: 'unavailable',
    about: 'A secret is sealed with a key that this process does not have, or it has none to seal one with.',
    hint: 'Give every server and worker of a shared store the same key file: --secret-key-file, or COAX_SECRET_KEY_FILE.',
  },
  COAX_SECRET_KEY_FILE: {
    kind: 'unavailable',
    about: 'The file of keys for secrets cannot be used.',
    hint: 'It must be one that Coax wrote, and its owner alone may read it (mode 0600).',
  },
  COAX_SECRET_KEY_NEEDED: {
    kind: 'conflict',
    about: 'A key for secrets is still needed, so it is not dropped.',
    hint: '`coax secret-key ls` counts the messages that need each key; archived and rolled back ones do not.',
  },
  COAX_SECRET_BROKEN: {
    kind: 'corrupt',
    about: 'A secret does not verify under its key: it was changed, or the key is another.',
    hint: '`coax fsck` shows whether the message was changed; the key file may be of another installation.',
  },
  COAX_SERVER_UNREACHABLE: {
    kind: 'unavailable',
    about: 'No server answers there.',
    hint: '`coax up` starts one; COAX_URL names another.',
  },
  COAX_WAIT_TIMEOUT: {
    kind: 'timeout',
    about: 'The wait ended before the message did; it goes on.',
    hint: '`coax wait MSGID` waits again.',
  },
  COAX_USAGE: { kind: 'input', about: 'The command line is wrong.', hint: 'Add --help.' },
  COAX_ROLLED_BACK: {
    kind: 'failed',
    about: 'The message failed and was rolled back.',
    hint: '`coax log MSGID` tells why.',
  },
  COAX_PARKED: {
    kind: 'parked',
    about: 'The message is parked: an undo failed for good.',
    hint: '`coax resolve MSGID retry|skip|edit|undone --reason …`',
  },
  COAX_FSCK: {
    kind: 'corrupt',
    about: 'fsck found faults.',
    hint: 'Each line names the row and what is wrong.',
  },
  COAX_CGI_FAILED: {
    kind: 'unavailable',
    about: 'A CGI script gave no answer, or a faulty one.',
    hint: "The server's log has what the script wrote to standard error.",
  },
  COAX_CGI_TIMEOUT: {
    kind: 'timeout',
    about: 'A CGI script took longer than it may.',
    hint: 'A longer `timeout` in cgi.yaml lets it.',
  },
  COAX_PACKAGE_INVALID: {
    kind: 'input',
    about: 'A folder cannot be built into a package.',
    hint: 'Mend the line or the file that `where` names.',
  },
  COAX_PACKAGE_UNTRUSTED: {
    kind: 'forbidden',
    about: 'A package is not signed by anybody who is trusted here.',
    hint: '`--trust FILE` names the public key of whoever built it.',
  },
  COAX_PACKAGE_CORRUPT: {
    kind: 'corrupt',
    about: 'A package on a host is not as it was installed.',
    hint: '`coax package verify` names every file; installing that version again puts it right.',
  },
  COAX_PACKAGE_DEPENDENCY: {
    kind: 'conflict',
    about: 'A package cannot stand on a host beside those that are there, or without those that are not.',
    hint: 'Install or remove what it names as well, or choose another version.',
  },
  COAX_PACKAGE_UNHEALTHY: {
    kind: 'failed',
    about: 'A hook or the health check of a package failed; what was switched is switched back.',
    hint: "Its output stands in the error; run the command in the package's folder to see more.",
  },
  COAX_PACKAGE_REFUSED: {
    kind: 'input',
    about: 'A package holds what no package may hold, or is not as its manifest says.',
    hint: 'Do not use it; ask whoever made it. docs/how-to/host-packages.md says what a package may hold.',
  },
  COAX_PACKAGE_NOT_FOUND: {
    kind: 'not_found',
    about: 'No package, version or content of that name is there.',
    hint: '`coax package ls` lists what there is.',
  },
  COAX_APPROVAL_AWAITED: {
    kind: 'unavailable',
    about: 'A step waits until a person approves or rejects.',
    hint: '`coax approve MSGID`, or `coax approve MSGID --reject`.',
  },
  COAX_APPROVAL_REFUSED: {
    kind: 'failed',
    about: 'A person was asked to approve, and said no.',
    hint: 'What was done is undone; the reason stands in the ledger.',
  },
  COAX_ROLLOUT_STATE: {
    kind: 'conflict',
    about: 'Another rollout of the same package is under way.',
    hint: 'Wait for it, or cancel it: `coax rollout show MSGID` says how far it is.',
  },
  COAX_ROLLOUT_BUDGET: {
    kind: 'failed',
    about:
      'More hosts have failed in a rollout than its budget allows; all that were switched are switched back.',
    hint: '`coax rollout show MSGID` names the hosts and their reasons.',
  },
  COAX_REPOSITORY_KEY: {
    kind: 'input',
    about: 'A key that is to sign for the repository of packages cannot be read, or is none.',
    hint: '`coax repository create-key FILE` makes one.',
  },
  COAX_REPOSITORY_STATE: {
    kind: 'conflict',
    about: 'The repository of packages is not in a state that allows this.',
    hint: '`coax repository show` says how it stands.',
  },
  COAX_REPOSITORY_REFUSED: {
    kind: 'input',
    about: 'Metadata that is to be published is malformed, or too few of the keys that may have signed it.',
    hint: 'Sign with as many of the keys as the root asks for; `coax repository show` names them.',
  },
  COAX_REPOSITORY_UNTRUSTED: {
    kind: 'corrupt',
    about:
      'What a repository of packages answers does not verify: signatures, hashes, or older than what was seen.',
    hint: 'Install nothing from there; find out who changed it. `coax repository verify` checks all of it.',
  },
  COAX_REPOSITORY_EXPIRED: {
    kind: 'corrupt',
    about:
      'The newest metadata of a repository of packages is older than it may be, so news may be kept back.',
    hint: 'The server renews it while it runs; `coax repository refresh` does it now. Check the clocks, too.',
  },
  COAX_REPOSITORY_UNAVAILABLE: {
    kind: 'unavailable',
    about: 'The place of the packages cannot be read or written now.',
    hint: 'Mend what `reason` says: the folder, or the access to the bucket (COAX_S3_ENDPOINT, AWS_…).',
  },
  COAX_QUOTA_EXCEEDED: {
    kind: 'exhausted',
    about: 'The project may have no more of that.',
    hint: 'Remove something of the project, or ask who runs this for more: `coax quota show PROJECT`.',
  },
  COAX_RATE: {
    kind: 'limited',
    about: 'Too many requests at once, or too many messages that wait.',
    hint: 'Try again after the time in Retry-After; docs/how-to/limits.md says who sets the limits.',
  },
  COAX_INTERNAL: {
    kind: 'internal',
    about: 'A defect in Coax.',
    hint: 'Report it with the incident id; the log has the rest.',
  },
} as const satisfies Record<string, { kind: ErrorKind; about: string; hint: string }>;

export type ErrorCode = keyof typeof CODES;
