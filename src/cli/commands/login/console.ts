import { CoaxError } from '../../../errors/coax-error.ts';
import { openBrowser } from '../../login/open-browser.ts';
import { defineVerb } from '../../verb.ts';

interface ConsoleOptions {
  readonly print?: boolean;
}

/** Opens the console with the person signed in. */
export const verb = defineVerb<ConsoleOptions>({
  examples: [
    ['coax console', 'in your browser, signed in'],
    ['coax console 141592', 'at the page of a message'],
    ['coax console /hosts', 'at a page of the console'],
    ['coax console --print', 'the address, for a browser elsewhere'],
  ],
  details: [
    'The address holds a ticket: it lets one browser in, within a minute, as whoever you are here; after that it opens nothing. It stands in the fragment, which browsers send to no server and no log, and is gone from the address at once. Your browser gets it by a hand-over that other users of this machine cannot read. Where there is no browser the address is printed.',
  ],
  args: [{ name: '[page]', about: 'Msgid, or path of a page: /vms/web' }],
  options: [{ flags: '--print', about: 'Print the address, and open nothing' }],
  async run(context, [page = '/'], { print }) {
    const { out } = context;
    const { url: urls } = context.address();
    if (urls.startsWith('unix:'))
      throw new CoaxError('COAX_USAGE', 'a browser opens no Unix socket', {
        where: urls,
        hint: '`coax --url http://… console`, by an address of the server that a browser can open.',
      });
    const to = pathOf(page);
    const client = await context.client();
    const { ticket, expires } = await client.access.consoleTicket();
    // Of several the one that answered.
    const { url } = client;
    const address = `${url}/enter#${new URLSearchParams({ ticket, to })}`;
    await using way = print || !out.forPeople ? null : await openBrowser(address);
    if (way === null)
      await out.object({ url: address, expires }, address, () => {
        if (!print) out.hint('there is no browser here; open this within a minute, once:');
        out.line(address);
      });
    else if (await way.came(SOON_MS)) out.line(`opened ${url}${to}`);
    else {
      out.hint('the browser has not come yet; if it does not, open this within a minute, once:');
      out.line(address);
      await way.came(Math.max(0, Date.parse(expires) - Date.now()));
    }
    return 0;
  },
});

/** A browser that is not there by then may never come. */
const SOON_MS = 15_000;

function pathOf(page: string): string {
  if (/^\d+$/.test(page)) return `/messages/${page}`;
  if (page.startsWith('/') && !page.startsWith('//')) return page;
  throw new CoaxError('COAX_USAGE', `${page} is no page of the console`, {
    where: '<page>',
    hint: 'Give a msgid, or a path as /hosts or /vms/web.',
  });
}
