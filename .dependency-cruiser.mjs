/**
 * Who may import whom. Each line: a part of src, and the parts of src that it may import (besides itself), as patterns of
 * paths. What is not listed is forbidden. test/house/layers.test.ts runs this and proves that each rule can fail.
 */
const MAY_IMPORT = {
  errors: [],
  linux: [],
  message: ['errors/'],
  ledger: ['message/', 'errors/'],
  flow: ['message/', 'errors/'],
  placement: ['errors/'],
  // Files of settings: YAML, a schema, and each fault at its line.
  'config-file': ['errors/'],
  serial: ['errors/'],
  // What has changed since it was looked at last, whoever changed it.
  news: [],
  // Packages of hosts: what one is, and how it comes to stand on a host.
  package: [
    'errors/',
    'object-store/',
    'store/[^/]+$',
    'config-file/',
    'flow/duration\\.ts$',
    'linux/process/',
    'news/',
    'step/',
  ],
  policy: ['placement/', 'config-file/', 'errors/'],
  api: ['message/', 'errors/'],
  cgi: ['step/', 'config-file/', 'flow/', 'message/', 'errors/', 'linux/process/'],
  // The open transaction is a type that a transactional action gets.
  step: [
    'config-file/',
    'flow/',
    'message/',
    'errors/',
    'linux/process/',
    'linux/native/(call|header)/',
    'linux/native/tables\\.ts$',
    'store/tx\\.ts$',
  ],
  store: ['message/', 'ledger/', 'errors/'],
  secret: ['message/', 'errors/', 'store/store\\.ts$'],
  webhook: ['message/', 'ledger/', 'news/', 'secret/', 'store/[^/]+$', 'errors/'],
  'object-store': ['errors/'],
  archive: ['message/', 'ledger/', 'errors/', 'store/[^/]+$', 'object-store/'],
  channel: ['message/', 'ledger/', 'errors/', 'store/[^/]+$'],
  tracing: ['message/'],
  worker: [
    'channel/(channel|secrets)\\.ts$',
    'step/contract\\.ts$',
    'tracing/',
    'message/',
    'errors/',
    'store/(tx|timers)\\.ts$',
  ],
  // Stands in for lost hosts as a worker does, and amends the messages of VMs that it moves.
  cloud: [
    'placement/',
    'policy/',
    'step/',
    'channel/(channel|transition)\\.ts$',
    'store/[^/]+$',
    'linux/',
    'message/',
    'errors/',
  ],
  replay: [
    'placement/',
    'cloud/',
    'channel/',
    'worker/',
    'step/',
    'flow/',
    'ledger/',
    'message/',
    'store/[^/]+$',
    'errors/',
  ],
  // Who asks, and what that may do.
  identity: ['config-file/', 'message/', 'errors/', 'flow/duration\\.ts$', 'store/[^/]+$'],
  access: [
    'api/',
    'identity/',
    'cgi/',
    'channel/(channel|decisions)\\.ts$',
    'cloud/',
    'flow/',
    'ledger/',
    'message/',
    'serial/',
    'secret/',
    'webhook/',
    'package/',
    'step/contract\\.ts$',
    'linux/daemon/refuse-connections\\.ts$',
    'tracing/',
    'store/[^/]+$',
    'errors/',
  ],
  client: ['api/', 'channel/channel\\.ts$', 'message/', 'errors/'],
  agent: [
    'api/',
    'client/',
    'cloud/',
    'channel/channel\\.ts$',
    'serial/',
    'worker/',
    'step/',
    'store/timers\\.ts$',
    'message/',
    'errors/',
  ],
  cli: [
    'agent/agent-folder\\.ts$',
    'package/',
    'api/',
    'client/',
    'flow/',
    'ledger/',
    'message/',
    'errors/',
    'linux/',
  ],
  testing: ['(?!cli/)'],
};

/** Files of the command line that do their work here rather than through the server. */
const HERE = [
  '^src/cli/compose(-copy\\.ts$|\\.ts$|/)',
  '^src/cli/installation-schema\\.ts$',
  '^src/cli/commands/author/step-run\\.ts$',
  '^src/cli/commands/package/package-build\\.ts$',
  '^src/cli/commands/server/(doctor|worker)\\.ts$',
];
const TEST = '\\.test\\.ts$';

const layers = Object.entries(MAY_IMPORT).map(([part, allowed]) => ({
  name: `layer-${part}`,
  severity: 'error',
  from: { path: `^src/${part}/`, pathNot: part === 'cli' ? [TEST, ...HERE] : TEST },
  to: {
    path: '^src/',
    pathNot: [part, ...allowed].map(to => (to === part ? `^src/${part}/` : `^src/${to}`)),
  },
}));

const PURE = '^src/(message|ledger|flow|placement)/';

export default {
  forbidden: [
    ...layers,
    {
      name: 'pure',
      comment: 'message, ledger and flow have no clock, no files, no network: of Node only the hash',
      severity: 'error',
      from: { path: PURE, pathNot: TEST },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    },
    {
      name: 'engine-chosen-in-one-place',
      severity: 'error',
      from: {
        path: '^(src|scripts|bench)/',
        pathNot: [
          '^src/store/[^/]+/',
          '^src/cli/compose(-copy\\.ts$|\\.ts$|/)',
          '^src/testing/',
          '^(scripts|bench)/',
          TEST,
        ],
      },
      to: { path: '^src/store/[^/]+/' },
    },
    {
      name: 'compose-is-loaded-by-up-alone',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: ['^src/cli/compose(\\.ts$|/)', '^src/cli/commands/', '^src/testing/', TEST],
      },
      to: { path: '^src/cli/compose(\\.ts$|/(?!process-options))' },
    },
    {
      name: 'processes-in-one-place',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/linux/process/', TEST] },
      to: { path: '^(node:)?child_process$' },
    },
    {
      name: 'testing-for-tests-alone',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/testing/', TEST] },
      to: { path: ['^src/testing/', '^test/'] },
    },
    {
      name: 'index-is-for-users',
      comment: 'inside, a file is imported from where it lies',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^src/index\\.ts$' },
    },
    {
      name: 'layer-web',
      comment:
        'the console uses the public API: its schemas, what reads its event stream, and what cuts a message to what events tell of it',
      severity: 'error',
      from: { path: '^web/' },
      to: {
        path: '^(src|test|bench|scripts)/',
        pathNot: ['^src/api/', '^src/client/(sse|message-lite)\\.ts$'],
      },
    },
    {
      name: 'web-takes-types-alone',
      comment: 'schemas are for the server: their library is heavier than all the console',
      severity: 'error',
      from: { path: '^web/src/' },
      to: { path: '^src/api/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'web-parts-know-no-screen',
      severity: 'error',
      from: { path: '^web/src/(api|words|parts)/' },
      to: { path: '^web/src/(screens|shell)/' },
    },
    {
      name: 'web-has-no-node',
      severity: 'error',
      from: { path: '^web/src/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'server-knows-no-page',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^web/' },
    },
    {
      name: 'no-cycle',
      comment:
        'a type that goes round in a circle is a circle, too; tests may know the type of what they are part of',
      severity: 'error',
      from: { pathNot: '^test/' },
      to: { circular: true },
    },
    {
      name: 'no-cycle-of-tests',
      severity: 'error',
      from: { path: '^test/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolvable',
      comment: 'but for the systems that the benchmark measures beside ours: they are installed by it alone',
      severity: 'error',
      from: { path: '^(src|test|bench|scripts|web)/', pathNot: '^bench/peers/[^/]+\\.mjs$' },
      to: { couldNotResolve: true },
    },
    {
      name: 'declared',
      comment: 'a package that is in package.json, and for src not only for development',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/testing/', TEST] },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^[^/]+/.+/node_modules/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.mjs'],
    },
  },
};
