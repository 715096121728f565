import { everyPage } from '../../../client/every-page.ts';
import { formatDuration } from '../../../flow/duration.ts';
import { cell } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';

/** Lists the CGI scripts that the server serves. */
export const verb = defineVerb({
  examples: [
    ['coax cgi ls', 'every script of the folder that --cgi-bin named'],
    ['coax cgi ls -o json | jq -r .items[].name', 'their names, for a program'],
  ],
  async run(context) {
    const { out } = context;
    const client = await context.client();
    const list = await everyPage(query => client.cgiScripts(query));
    await out.list(list, {
      columns: [
        { head: 'SCRIPT', cell: script => `/cgi-bin/${cell(script.name)}` },
        { head: 'NEEDS', cell: script => script.needs },
        { head: 'TIMEOUT', cell: script => formatDuration(script.timeoutMs) },
        {
          head: 'ABOUT',
          wide: true,
          cell: script =>
            script.fault === null
              ? cell(script.about)
              : out.style('red', `cannot be started: ${cell(script.fault)}`),
        },
      ],
      name: script => script.name,
      empty:
        list.dir === null
          ? 'the server serves no scripts; coax up --cgi-bin DIR does'
          : `no scripts in ${list.dir}: they are executable files`,
    });
    for (const { where, reason } of list.faults)
      out.hint(`${out.errorStyle('red', 'fault:')} ${cell(where)}: ${cell(reason)}`);
    return 0;
  },
});
