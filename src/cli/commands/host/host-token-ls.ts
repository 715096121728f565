import type { JoinTokenInfoView } from '../../../api/agent.ts';
import { everyPage } from '../../../client/every-page.ts';
import { cell, type Output } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';

/** Lists join tokens. */
export const verb = defineVerb<{ all?: boolean }>({
  examples: [
    ['coax host token ls', 'who could still let a host in'],
    ['coax host token ls --all', 'those by which hosts joined, and those that have expired, too'],
  ],
  details: ['Tokens themselves are not shown; those that are no longer good are kept for 7 days.'],
  options: [{ flags: '-a, --all', about: 'Those that are no longer good, too' }],
  async run(context, _args, { all = false }) {
    const { out } = context;
    const client = await context.client();
    const list = await everyPage(query => client.joinTokens({ ...query, all }));
    await out.list(list, { columns: columns(out), name: token => token.id, empty: 'no join token' });
    return 0;
  },
});

const columns = (out: Output) => [
  { head: 'ID', cell: (token: JoinTokenInfoView) => token.id },
  { head: 'HOST', cell: (token: JoinTokenInfoView) => cell(token.host) || '(any new)' },
  { head: 'STATE', cell: (token: JoinTokenInfoView) => token.state },
  { head: 'EXPIRES', cell: (token: JoinTokenInfoView) => expiry(token, out) },
  { head: 'USED BY', cell: (token: JoinTokenInfoView) => cell(token.usedBy) },
  { head: 'REPLACES', cell: (token: JoinTokenInfoView) => (token.replace ? 'yes' : '') },
  { head: 'MADE BY', cell: (token: JoinTokenInfoView) => cell(token.actor) },
  {
    head: out.timeHead('AGE', 'CREATED'),
    right: true,
    cell: (token: JoinTokenInfoView) => out.time(token.created),
  },
];

const expiry = ({ state, expires }: JoinTokenInfoView, out: Output): string =>
  state === 'open' ? out.timeLeft(expires) : expires.slice(0, 16);
