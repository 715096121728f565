import { isCoaxError, textOf } from '../../../errors/coax-error.ts';
import type { Address, Context } from '../../context.ts';
import { cell } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly about?: string;
  readonly fix?: string;
}

const NO_SERVER: Check = {
  name: 'server',
  ok: false,
  about: 'none runs here; the rest is seen from this command',
  fix: '`coax up --detach` starts one',
};

const ANSWER_MS = 5000;

/** What works on this machine, what is missing, and what goes without it. */
export const verb = defineVerb<{ strict?: boolean }>({
  examples: [
    ['coax doctor', "the server's view; without a server, this machine's"],
    ['coax doctor --strict', 'leave with 1 when anything is missing'],
  ],
  options: [{ flags: '--strict', about: 'Leave with 1 when anything is missing' }],
  async run(context, _args, { strict }) {
    const { out } = context;
    const items = [
      ...(await addressChecks(context)),
      ...((await serverChecks(context)) ?? [NO_SERVER, ...(await localChecks(context))]),
    ];
    await out.list(
      { items },
      {
        columns: [
          { head: '', cell: check => (check.ok ? out.style('green', '✔') : out.style('yellow', '✘')) },
          { head: 'CHECK', cell: check => cell(check.name) },
          {
            head: 'FOUND',
            cell: check =>
              `${cell(check.about)}${check.fix && !check.ok ? out.style('dim', ` → ${cell(check.fix)}`) : ''}`,
          },
        ],
        name: check => `${check.ok ? 'ok' : 'missing'} ${check.name}`,
        empty: 'nothing to check',
      },
    );
    return strict && items.some(check => !check.ok) ? 1 : 0;
  },
});

/** Where several servers are known: which of them answers. */
async function addressChecks(context: Context): Promise<Check[]> {
  let address: Address;
  try {
    address = context.address();
  } catch {
    return [];
  }
  const urls = address.url.split(',');
  if (urls.length < 2) return [];
  const { makeClient } = await import('../../../client/client.ts');
  return Promise.all(
    urls.map(async (url): Promise<Check> => {
      const name = `server ${url}`;
      const { ca } = address;
      const client = makeClient({ url, token: '', ...(ca !== undefined && { ca }) });
      const late = AbortSignal.timeout(ANSWER_MS);
      try {
        const { version } = await client.ready(late);
        return { name, ok: true, about: `takes work, version ${version}` };
      } catch (error) {
        const about = late.aborted ? `no answer within ${ANSWER_MS / 1000} s` : textOf(error);
        return { name, ok: false, about, fix: 'start it, or take it out of the list of addresses' };
      } finally {
        client.close();
      }
    }),
  );
}

async function serverChecks(context: Context): Promise<Check[] | null> {
  try {
    return (await (await context.client()).doctor()).items as unknown as Check[];
  } catch (error) {
    if (isCoaxError(error, 'COAX_SERVER_UNREACHABLE')) return null;
    throw error;
  }
}

async function localChecks({ dataDir }: Context): Promise<Check[]> {
  const { runDoctor } = await import('../../../cloud/doctor.ts');
  const { cacheFolder } = await import('../../../cloud/image/cache-folder.ts');
  return runDoctor({
    dataDir,
    cacheDir: cacheFolder(),
    simulate: false,
    accelerator: null,
    hypervisorFault: null,
  });
}
