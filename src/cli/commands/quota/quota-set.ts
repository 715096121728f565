import type { QuotaBody } from '../../../api/cloud/quota.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { nearest } from '../../../errors/nearest.ts';
import { defineVerb } from '../../verb.ts';
import { printQuota, QUOTAS } from './quota-table.ts';

const MIB: Readonly<Record<string, number>> = { MiB: 1, GiB: 1024, TiB: 1024 * 1024 };

/** Changes what a project may have. */
export const verb = defineVerb({
  examples: [
    ['coax quota set red vms=10 cpus=40 mem=64GiB', 'no more VMs, CPUs and memory than that'],
    [
      'coax quota set red messages=600 queued=5000',
      'messages accepted in a minute, and waiting for a worker',
    ],
    ['coax quota set red vms=none', 'as many VMs as it likes'],
    ['coax quota set red', 'counts anew what it has, where `coax fsck` finds it wrong'],
  ],
  details: [
    'What a project has already stays, though it be more. Only who is admin of the whole installation may change quotas.',
  ],
  args: [
    { name: '<project>', about: 'Name of the project' },
    {
      name: '[limits...]',
      about: `NAME=NUMBER or NAME=none; names are ${QUOTAS.join(', ')}; mem in MiB, or 64GiB`,
    },
  ],
  async run(context, [project = '', ...pairs]) {
    const body = Object.assign({}, ...pairs.map(limitOf)) as QuotaBody;
    const client = await context.client();
    await printQuota(context.out, await client.setQuota(project, body));
    return 0;
  },
});

function limitOf(pair: string): QuotaBody {
  const at = pair.indexOf('=');
  const name = at < 0 ? pair : pair.slice(0, at);
  const value = at < 0 ? '' : pair.slice(at + 1);
  if (!(QUOTAS as readonly string[]).includes(name)) {
    const near = nearest(name, [...QUOTAS]);
    throw wrong(pair, `there is no quota "${name}"${near === null ? '' : `; did you mean "${near}"?`}`);
  }
  const field = name === 'mem' ? 'memMib' : name;
  if (value === 'none') return { [field]: null };
  const [, digits, unit] = /^(\d+(?:\.\d+)?)([MGT]iB)?$/.exec(value) ?? [];
  const number = Number(digits) * (unit === undefined ? 1 : MIB[unit]!);
  if (digits === undefined || (unit !== undefined && name !== 'mem') || (name !== 'cpus' && number % 1 !== 0))
    throw wrong(
      pair,
      `${name} is a ${name === 'cpus' ? '' : 'whole '}number, or none${name === 'mem' ? ', as in 512MiB or 64GiB' : ''}`,
    );
  return { [field]: number };
}

const wrong = (where: string, reason: string): CoaxError =>
  new CoaxError('COAX_USAGE', reason, { where, hint: 'As in `coax quota set red vms=10 mem=64GiB`.' });
