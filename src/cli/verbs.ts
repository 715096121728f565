import type { Verb } from './verb.ts';

export interface VerbEntry {
  /** `run`, or a noun and its verb: `vm ls`. */
  readonly path: string;
  readonly about: string;
  /** Loads the verb's file: only the one that runs is ever loaded. */
  load(): Promise<{ readonly verb: Verb }>;
}

export interface VerbGroup {
  readonly title: string;
  readonly verbs: readonly VerbEntry[];
}

const verb = (path: string, about: string, load: VerbEntry['load']): VerbEntry => ({ path, about, load });

/** The nouns that have verbs beneath. */
export const NOUNS: Readonly<Record<string, string>> = {
  vm: 'Virtual machines',
  policy: 'Placement policies',
  reservation: 'Room that is held for VMs to come',
  quota: 'What projects may have',
  host: 'Hosts that VMs run on',
  network: 'Networks and their addresses',
  project: 'Projects: whose messages and VMs are whose',
  context: 'Servers that you were logged in to',
  token: 'API tokens',
  account: 'Service accounts: names for programs',
  role: 'Who has which role where',
  session: 'Who is logged in',
  flow: 'Named plans',
  step: 'Actions that plans are made of',
  cgi: 'CGI scripts that the server serves',
  store: 'The database with all messages',
  webhook: 'Where events of messages are sent',
  package: 'Packages for hosts',
  rollout: 'Packages on their way to many hosts',
  repository: 'Where host packages are published, and who may sign them',
  'secret-key': 'Keys that secrets are sealed with',
};

/** Every verb, in the order of the help. */
export const GROUPS: readonly VerbGroup[] = [
  {
    title: 'Messages',
    verbs: [
      verb('run', 'Submit a message, or thousands', () => import('./commands/message/run.ts')),
      verb('ls', 'List messages', () => import('./commands/message/ls.ts')),
      verb('wait', 'Wait until a message rests', () => import('./commands/message/wait.ts')),
      verb('watch', 'Print transitions as they happen', () => import('./commands/message/watch.ts')),
      verb('cancel', 'Roll back a message under way', () => import('./commands/message/cancel.ts')),
      verb('revert', 'Walk a finished message back', () => import('./commands/message/revert.ts')),
      verb(
        'rewind',
        'Undo back to a step, change parameters, go forward',
        () => import('./commands/message/rewind.ts'),
      ),
      verb('resolve', 'Decide for a parked message', () => import('./commands/message/resolve.ts')),
      verb(
        'approve',
        'Approve or reject what waits for a person',
        () => import('./commands/message/approve.ts'),
      ),
      verb('fork', "Start a new message from another's past", () => import('./commands/message/fork.ts')),
    ],
  },
  {
    title: 'Ledger',
    verbs: [
      verb('log', "A message's commits, newest first", () => import('./commands/ledger/log.ts')),
      verb(
        'show',
        'One commit with its parameters before and after',
        () => import('./commands/ledger/show.ts'),
      ),
      verb('diff', 'Where two messages or commits differ', () => import('./commands/ledger/diff.ts')),
      verb('blame', 'Which step set each parameter', () => import('./commands/ledger/blame.ts')),
      verb('why', 'Why this host, or why it waits', () => import('./commands/ledger/why.ts')),
      verb('fsck', 'Verify every commit, chain and allocation', () => import('./commands/ledger/fsck.ts')),
      verb('export', 'Write the ledger as a git repository', () => import('./commands/ledger/export.ts')),
    ],
  },
  {
    title: 'Cloud',
    verbs: [
      verb('vm ls', 'List VMs', () => import('./commands/cloud/vm-ls.ts')),
      verb('vm show', 'One VM', () => import('./commands/cloud/vm-show.ts')),
      verb('vm console', "Follow a VM's serial console", () => import('./commands/cloud/vm-console.ts')),
      verb('vm start', 'Start a stopped VM', () => import('./commands/cloud/vm-start.ts')),
      verb('vm stop', 'Stop a running VM', () => import('./commands/cloud/vm-stop.ts')),
      verb('vm reboot', 'Reboot a VM', () => import('./commands/cloud/vm-reboot.ts')),
      verb(
        'vm rm',
        'Remove a VM by reverting the message that made it',
        () => import('./commands/cloud/vm-rm.ts'),
      ),
      verb('vm move', 'Move a VM to another host', () => import('./commands/cloud/vm-move.ts')),
      verb('host ls', 'List hosts', () => import('./commands/host/host-ls.ts')),
      verb('host show', 'One host', () => import('./commands/host/host-show.ts')),
      verb(
        'host drain',
        'Move all VMs off a host, and let it take no more',
        () => import('./commands/host/host-drain.ts'),
      ),
      verb(
        'host undrain',
        'Let a drained host take VMs again',
        () => import('./commands/host/host-undrain.ts'),
      ),
      verb(
        'host token',
        'Print the command by which a host joins',
        () => import('./commands/host/host-token.ts'),
      ),
      verb('host token ls', 'List join tokens', () => import('./commands/host/host-token-ls.ts')),
      verb(
        'host token revoke',
        'Take a join token back',
        () => import('./commands/host/host-token-revoke.ts'),
      ),
      verb('host revoke', "Shut a host's agent out", () => import('./commands/host/host-revoke.ts')),
      verb(
        'host lost',
        'Declare a host gone for good, so that nothing waits for it',
        () => import('./commands/host/host-lost.ts'),
      ),
      verb(
        'host reconcile',
        "Compare a host's guests with the record, and repair",
        () => import('./commands/host/host-reconcile.ts'),
      ),
      verb('gc', 'Compare all hosts with the record, and repair', () => import('./commands/host/gc.ts')),
      verb('network ls', 'List networks', () => import('./commands/cloud/network-ls.ts')),
      verb(
        'network show',
        'One network and who holds its addresses',
        () => import('./commands/cloud/network-show.ts'),
      ),
      verb(
        'plan',
        'Dry run of placement: where VMs would land',
        () => import('./commands/placement/plan.ts'),
      ),
      verb('policy ls', 'List placement policies', () => import('./commands/placement/policy-ls.ts')),
      verb(
        'rebalance',
        'Which moves of VMs would free how many hosts',
        () => import('./commands/placement/rebalance.ts'),
      ),
      verb(
        'reservation create',
        'Hold room for VMs that name it',
        () => import('./commands/placement/reservation-create.ts'),
      ),
      verb('reservation ls', 'List reservations', () => import('./commands/placement/reservation-ls.ts')),
      verb('reservation show', 'One reservation', () => import('./commands/placement/reservation-show.ts')),
      verb(
        'reservation rm',
        'Give a reservation up by reverting the message that holds it',
        () => import('./commands/placement/reservation-rm.ts'),
      ),
      verb('replay', 'Replay a VM trace on simulated hosts', () => import('./commands/placement/replay.ts')),
    ],
  },
  {
    title: 'Host packages',
    verbs: [
      verb('package build', 'Build a package', () => import('./commands/package/package-build.ts')),
      verb('package publish', 'Publish packages', () => import('./commands/repository/package-publish.ts')),
      verb(
        'package ls',
        'List packages: published, or on hosts',
        () => import('./commands/repository/package-ls.ts'),
      ),
      verb(
        'package unpublish',
        'Take versions back: nobody can install them any more',
        () => import('./commands/package/package-unpublish.ts'),
      ),
      verb('package show', 'One published package', () => import('./commands/repository/package-show.ts')),
      verb(
        'package install',
        'Install a package on hosts',
        () => import('./commands/package/package-install.ts'),
      ),
      verb(
        'package rollback',
        'Back to the version before',
        () => import('./commands/package/package-rollback.ts'),
      ),
      verb(
        'package remove',
        'Take a package from hosts',
        () => import('./commands/package/package-remove.ts'),
      ),
      verb(
        'package verify',
        'Find what was changed by hand',
        () => import('./commands/package/package-verify.ts'),
      ),
      verb('package gc', 'Delete old versions from hosts', () => import('./commands/package/package-gc.ts')),
      verb(
        'package rollout',
        'Bring a package to many hosts, a few first',
        () => import('./commands/repository/package-rollout.ts'),
      ),
      verb(
        'rollout show',
        'How far a rollout is, and which hosts failed',
        () => import('./commands/repository/rollout-show.ts'),
      ),
      verb(
        'repository create-key',
        'Make a key that can sign',
        () => import('./commands/repository/create-key.ts'),
      ),
      verb(
        'repository init',
        'Begin the repository: who may sign what',
        () => import('./commands/repository/repository-init.ts'),
      ),
      verb(
        'repository show',
        'Who may sign, and until when it holds',
        () => import('./commands/repository/repository-show.ts'),
      ),
      verb(
        'repository refresh',
        'Sign metadata anew before it expires',
        () => import('./commands/repository/repository-refresh.ts'),
      ),
      verb(
        'repository rotate',
        'Other keys, other thresholds, a later end',
        () => import('./commands/repository/repository-rotate.ts'),
      ),
      verb(
        'repository gc',
        'Delete what no published package names any more',
        () => import('./commands/repository/repository-gc.ts'),
      ),
      verb(
        'repository verify',
        'Check every signature and every byte',
        () => import('./commands/repository/repository-verify.ts'),
      ),
    ],
  },
  {
    title: 'Access',
    verbs: [
      verb('login', 'Log in at a server', () => import('./commands/login/login.ts')),
      verb('console', 'Open the console, signed in', () => import('./commands/login/console.ts')),
      verb('logout', 'End a login', () => import('./commands/login/logout.ts')),
      verb(
        'context ls',
        'List the servers you were logged in to',
        () => import('./commands/login/context-ls.ts'),
      ),
      verb(
        'context use',
        'Choose the server that verbs go to',
        () => import('./commands/login/context-use.ts'),
      ),
      verb('context rm', 'Log out, and forget a server', () => import('./commands/login/context-rm.ts')),
      verb(
        'whoami',
        'As whom you stand in the ledger, and your roles',
        () => import('./commands/access/whoami.ts'),
      ),
      verb('project create', 'Make a project', () => import('./commands/project/project-create.ts')),
      verb('project ls', 'List projects', () => import('./commands/project/project-ls.ts')),
      verb('project show', 'One project', () => import('./commands/project/project-show.ts')),
      verb('project edit', "Change a project's labels", () => import('./commands/project/project-edit.ts')),
      verb('project rm', 'Take a project out of use', () => import('./commands/project/project-rm.ts')),
      verb('quota show', 'What a project may have, and has', () => import('./commands/quota/quota-show.ts')),
      verb('quota set', 'Change what a project may have', () => import('./commands/quota/quota-set.ts')),
      verb('token create', 'Make an API token', () => import('./commands/access/token-create.ts')),
      verb('token ls', 'List API tokens', () => import('./commands/access/token-ls.ts')),
      verb('token show', 'One API token', () => import('./commands/access/token-show.ts')),
      verb('token revoke', 'End an API token', () => import('./commands/access/token-revoke.ts')),
      verb('account create', 'Make a service account', () => import('./commands/access/account-create.ts')),
      verb('account ls', 'List service accounts', () => import('./commands/access/account-ls.ts')),
      verb('account rm', 'Remove a service account', () => import('./commands/access/account-rm.ts')),
      verb('role grant', 'Give somebody a role', () => import('./commands/access/role-grant.ts')),
      verb('role revoke', 'Take a role away', () => import('./commands/access/role-revoke.ts')),
      verb('role show', 'One role of somebody', () => import('./commands/access/role-show.ts')),
      verb('role ls', 'List who has which role', () => import('./commands/access/role-ls.ts')),
      verb('session ls', 'List who is logged in', () => import('./commands/access/session-ls.ts')),
      verb(
        'session revoke',
        'End the session of somebody',
        () => import('./commands/access/session-revoke.ts'),
      ),
    ],
  },
  {
    title: 'Flows and steps',
    verbs: [
      verb('flow ls', 'List flows', () => import('./commands/author/flow-ls.ts')),
      verb('flow show', 'One flow: its steps and parameters', () => import('./commands/author/flow-show.ts')),
      verb('lint', 'Check a flow before it runs', () => import('./commands/author/lint.ts')),
      verb('step ls', 'List actions', () => import('./commands/author/step-ls.ts')),
      verb('step show', 'One action: its input and output', () => import('./commands/author/step-show.ts')),
      verb('step run', 'Run one action by itself, here', () => import('./commands/author/step-run.ts')),
    ],
  },
  {
    title: 'Linux',
    verbs: [
      verb('linux', "Call Linux's functions at a prompt", () => import('./commands/linux/linux.ts')),
      verb(
        'mem',
        "Where a process's memory goes, and what it holds many times",
        () => import('./commands/linux/mem.ts'),
      ),
      verb('top', 'What processes and VMs use now', () => import('./commands/linux/top.ts')),
    ],
  },
  {
    title: 'Webhooks',
    verbs: [
      verb(
        'webhook create',
        'Send events of messages to a URL',
        () => import('./commands/webhook/webhook-create.ts'),
      ),
      verb('webhook ls', 'List webhooks', () => import('./commands/webhook/webhook-ls.ts')),
      verb('webhook show', 'One webhook', () => import('./commands/webhook/webhook-show.ts')),
      verb(
        'webhook edit',
        'Change a webhook, or make it active again',
        () => import('./commands/webhook/webhook-edit.ts'),
      ),
      verb('webhook rm', 'Remove a webhook', () => import('./commands/webhook/webhook-rm.ts')),
      verb('webhook test', 'Send a test event', () => import('./commands/webhook/webhook-test.ts')),
      verb(
        'webhook rotate-secret',
        'Give a webhook a new secret',
        () => import('./commands/webhook/webhook-rotate-secret.ts'),
      ),
      verb(
        'webhook deliveries',
        'What was sent, what waits, what was given up',
        () => import('./commands/webhook/webhook-deliveries.ts'),
      ),
      verb(
        'webhook retry',
        'Send what was given up once more',
        () => import('./commands/webhook/webhook-retry.ts'),
      ),
    ],
  },
  {
    title: 'Server',
    verbs: [
      verb('up', 'Start a server', () => import('./commands/server/up.ts')),
      verb('down', 'Stop the server', () => import('./commands/server/down.ts')),
      verb(
        'status',
        'The server, its messages, and what needs a person',
        () => import('./commands/server/status.ts'),
      ),
      verb('workers', 'List workers', () => import('./commands/server/workers.ts')),
      verb('worker', 'Run a worker process against a server', () => import('./commands/server/worker.ts')),
      verb(
        'agent',
        'Make this machine a host of a server elsewhere',
        () => import('./commands/agent/agent.ts'),
      ),
      verb(
        'archive',
        'Move old finished messages to archive files',
        () => import('./commands/store/archive.ts'),
      ),
      verb(
        'store copy',
        'Move the whole state to another database',
        () => import('./commands/store/copy.ts'),
      ),
      verb('cgi ls', 'List the CGI scripts that are served', () => import('./commands/server/cgi-ls.ts')),
      verb(
        'secret-key ls',
        'List the keys that secrets are sealed with',
        () => import('./commands/secret/secret-key-ls.ts'),
      ),
      verb(
        'secret-key rotate',
        'Seal new secrets with a new key',
        () => import('./commands/secret/secret-key-rotate.ts'),
      ),
      verb(
        'secret-key reseal',
        'Have old secrets come under the newest key',
        () => import('./commands/secret/secret-key-reseal.ts'),
      ),
      verb(
        'secret-key drop',
        'Forget an old key for good',
        () => import('./commands/secret/secret-key-drop.ts'),
      ),
      verb('doctor', 'What works here and what is missing', () => import('./commands/server/doctor.ts')),
      verb(
        'completion',
        'Print a completion script for a shell',
        () => import('./commands/server/completion.ts'),
      ),
      verb('version', 'Print the version', () => import('./commands/server/version.ts')),
    ],
  },
];

export const VERBS: readonly VerbEntry[] = GROUPS.flatMap(group => group.verbs);
