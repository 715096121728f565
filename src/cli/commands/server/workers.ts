import type { WorkerView } from '../../../api/system.ts';
import { everyPage } from '../../../client/every-page.ts';
import { cell, type Output } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';

/** Characters of a code hash that people compare. */
const CODE_SHOWN = 8;

/** Lists the workers of every process on the store, what they serve, and with which code. */
export const verb = defineVerb({
  examples: [
    ['coax workers', 'who is there, over all servers that share the store'],
    ['coax workers -o wide', 'with the addresses they serve'],
    ['coax workers -o json', 'for a program, with the code of every action'],
  ],
  details: [
    'Beside each module stands the beginning of the SHA-256 over its code. A module that another worker has with other code for the same action is marked with ≠. A worker that is not heard of for a minute is forgotten; one whose process dies, within seconds.',
  ],
  async run(context) {
    const { out } = context;
    const client = await context.client();
    const list = await everyPage(query => client.workers(query));
    await out.list<WorkerView>(list, {
      columns: [
        { head: 'NAME', cell: worker => cell(worker.name) },
        { head: 'ROLE', cell: worker => roleText(out, worker) },
        {
          head: 'PROCESS',
          cell: ({ host, pid }) => cell(host === null ? '' : `${host}/${pid ?? '?'}`),
        },
        { head: 'VERSION', cell: worker => cell(worker.version) },
        { head: 'STEPS', right: true, cell: worker => String(worker.steps) },
        { head: out.timeHead('UP', 'SINCE'), right: true, cell: worker => out.time(worker.since) },
        { head: 'SEEN', right: true, cell: worker => out.time(worker.seen) },
        { head: 'MODULES', cell: worker => modulesText(out, worker) },
        ...(out.format === 'wide'
          ? [{ head: 'SERVES', cell: (worker: WorkerView) => worker.addresses.map(cell).join(' ') }]
          : []),
      ],
      name: worker => worker.name,
      empty: 'no worker; messages wait until one comes',
    });
    if (out.forPeople) tellDifferences(out, list.items);
    return 0;
  },
});

function roleText(out: Output, { role, draining }: WorkerView): string {
  return draining ? `${role} ${out.style('yellow', 'draining')}` : role;
}

function modulesText(out: Output, { modules, addresses }: WorkerView): string {
  // A worker that did not say what code it has still serves something.
  if (modules.length === 0) return addresses.map(cell).join(' ');
  return modules
    .map(({ module, code, differs }) => {
      const text = `${cell(module)}:${code.slice(0, CODE_SHOWN)}`;
      return differs ? out.style('yellow', `${text}≠`) : text;
    })
    .join(' ');
}

function tellDifferences(out: Output, workers: readonly WorkerView[]): void {
  const actions = new Set(
    workers.flatMap(({ modules }) =>
      modules.flatMap(({ module, actions }) =>
        actions.filter(({ differs }) => differs).map(({ action }) => `${module} ${action}`),
      ),
    ),
  );
  if (actions.size > 0)
    out.hint(`≠ done with different code by different workers: ${[...actions].map(cell).join(', ')}`);
}
