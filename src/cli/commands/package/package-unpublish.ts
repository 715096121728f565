import type { Client } from '../../../client/client.ts';
import { everyPage } from '../../../client/every-page.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { unpublishPackages } from '../../../package/repository/publish.ts';
import { defineVerb, lengthOfTime } from '../../verb.ts';
import { KEY, keysOf, ROOT, trustedRepository } from '../repository/trust.ts';
import { answersOf, runOn, TIMEOUT } from './on-hosts.ts';

interface Options {
  readonly key: readonly string[];
  readonly force?: boolean;
  readonly expires?: number;
  readonly timeout?: number;
  readonly root?: string;
}

interface Version {
  readonly name: string;
  readonly version: string;
}

/** Takes versions of packages back. */
export const verb = defineVerb<Options>({
  examples: [
    ['coax package unpublish web@1.4.0 --key targets.key', 'nobody can install it any more'],
    ['coax package unpublish web@1.4.0 --key targets.key --force', 'although hosts have it; they keep it'],
  ],
  details: [
    'It is refused while hosts have such a version, or are away and cannot be asked, and when another published package would find no version that it needs. Hosts keep what they have.',
    '`coax repository gc` deletes what nothing names any more, after a grace period. Give what comes instead a version of its own.',
  ],
  args: [{ name: '<packages...>', about: 'NAME@VERSION' }],
  options: [
    { ...KEY, required: true },
    { flags: '--force', about: 'Also what hosts have, or other packages need' },
    { flags: '--expires <time>', about: 'How long the signatures hold (default 365d)', parse: lengthOfTime },
    TIMEOUT,
    ROOT,
  ],
  async run(context, words, { key, force = false, expires, timeout, root }) {
    const { out } = context;
    const gone = words.map(versionOf);
    const client = await context.client();
    const keys = await keysOf(key);
    if (!force) await assertNowhere(client, gone, timeout);
    const trusted = await trustedRepository(context, client, root);
    const view = await unpublishPackages(
      { current: () => trusted.current(), publish: targets => client.packages.publish(targets) },
      gone,
      { keys, now: Date.now(), force, ...(expires !== undefined && { holdsMs: expires }) },
    );
    const names = gone.map(({ name, version }) => `${name}@${version}`);
    await out.object({ unpublished: names, repository: view }, names.join('\n'), () => {
      for (const name of names) out.line(`${name}  unpublished`);
    });
    out.hint('`coax repository gc` deletes what nothing needs any more');
    return 0;
  },
});

function versionOf(word: string): Version {
  const [name = '', version = ''] = word.split('@');
  if (name !== '' && version !== '') return { name, version };
  throw new CoaxError('COAX_USAGE', 'what is unpublished is one version', {
    where: word,
    hint: 'NAME@VERSION, as web@1.4.0; `coax package ls` lists them.',
  });
}

/** Errors: COAX_REPOSITORY_STATE when hosts have it, or cannot be asked. */
async function assertNowhere(
  client: Client,
  gone: readonly Version[],
  timeoutMs: number | undefined,
): Promise<void> {
  const { items } = await everyPage(page => client.hosts({ ...page }));
  const isHere = (state: string): boolean => state === 'up' || state === 'draining';
  const away = items.filter(({ state }) => !isHere(state)).map(({ name }) => name);
  const hosts = items.filter(({ state }) => isHere(state)).map(({ name }) => name);
  const having = hosts.length === 0 ? [] : await whoHas(client, hosts, gone, timeoutMs);
  if (having.length === 0 && away.length === 0) return;
  const reason =
    having.length > 0
      ? `hosts have it: ${having.join(', ')}`
      : `hosts are away, and may have it: ${away.sort().join(', ')}`;
  throw new CoaxError('COAX_REPOSITORY_STATE', reason, {
    where: gone.map(({ name, version }) => `${name}@${version}`).join(' '),
    hint: 'Bring these hosts to another version first, as by `coax package rollout`; --force unpublishes it all the same, and hosts keep what they have.',
  });
}

async function whoHas(
  client: Client,
  hosts: readonly string[],
  gone: readonly Version[],
  timeoutMs: number | undefined,
): Promise<string[]> {
  const sorted = [...hosts].sort();
  const message = await runOn(client, 'list_packages', { hosts: sorted }, timeoutMs);
  const answers = answersOf<{ packages: readonly { name: string; version: string | null }[] }>(
    message,
    sorted,
    'listed',
  );
  return answers.flatMap(({ host, packages }) =>
    packages
      .filter(has => gone.some(each => each.name === has.name && each.version === has.version))
      .map(({ name, version }) => `${host} (${name}@${version})`),
  );
}
