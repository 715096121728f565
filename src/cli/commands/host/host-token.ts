import { cell } from '../../output/output.ts';
import { defineVerb, lengthOfTime } from '../../verb.ts';

interface TokenOptions {
  readonly ttl?: number;
  readonly replace?: boolean;
  readonly server?: string;
}

/** Makes a join token and prints the command that uses it. */
export const verb = defineVerb<TokenOptions>({
  examples: [
    ['coax host token', 'prints the command to paste on a new host, of any new name'],
    ['coax host token h7 --ttl 1h', 'for a host that will be called h7, within an hour'],
    ['coax host token h7 --replace', 'h7 was set up anew: it gets another key, the old one opens nothing'],
    ['coax host token h7 -o json', 'token, expiry and command, for a program'],
  ],
  details: [
    'The token lets one host join, once, and is not shown again. Whoever has it can join in your place, so send it as you would a password. --server says where the host reaches this server, when that is not where you reach it.',
  ],
  args: [
    { name: '[host]', about: 'The only host that may use it; without one: any new name', completes: 'host' },
  ],
  options: [
    { flags: '--ttl <time>', about: 'How long it may be used (default 15m)', parse: lengthOfTime },
    { flags: '--replace', about: 'The host is known, and gets another key' },
    { flags: '--server <url>', about: 'Where the host reaches the server; several with commas between' },
  ],
  async run(context, [host], { ttl, replace, server }) {
    const { out } = context;
    const client = await context.client();
    const reached = client.transport.servers.all.filter(({ socketPath }) => socketPath === undefined);
    const url = server ?? (reached.map(one => one.url).join(',') || undefined);
    const made = await client.joinToken({
      ...(host !== undefined && { host }),
      ...(ttl !== undefined && { ttlMs: ttl }),
      ...(replace && { replace }),
      ...(url !== undefined && { url }),
    });
    await out.object(made, made.command, () => {
      out.line(cell(made.command));
      out.hint(`to be run on ${host ?? 'the new host'}; good for one host until ${made.expires}`);
      if (isLocal(url)) out.hint('that address is reached on this machine alone: --server URL names another');
    });
    return 0;
  },
});

function isLocal(url: string | undefined): boolean {
  if (url === undefined) return true;
  return url.split(',').some(one => /^(localhost|127\.|\[::1\])/.test(URL.parse(one)?.hostname ?? ''));
}
