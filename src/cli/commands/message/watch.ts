import { resolveMsgid } from '../../input/refs.ts';
import { commitLine } from '../../live/commit-line.ts';
import { defineVerb } from '../../verb.ts';

/** Prints transitions as they become durable, until Ctrl-C. */
export const verb = defineVerb({
  examples: [
    ['coax watch', 'every transition of every message'],
    ['coax watch 141592', 'one message: its history, then what happens'],
    ['coax watch -o jsonl | jq .outcome', 'one commit (JSON) a line'],
  ],
  details: ['Never ends by itself; `coax wait MSGID` does.'],
  args: [{ name: '[msgid]', about: 'Only this message; @ is the newest', completes: 'msgid' }],
  async run(context, [word]) {
    const { out } = context;
    const client = await context.client();
    const msgid = word === undefined ? undefined : await resolveMsgid(client, word);
    if (msgid !== undefined) await client.message(msgid);
    if (msgid === undefined) out.hint('watching every message; Ctrl-C ends it');
    for await (const event of client.events(msgid === undefined ? {} : { msgid })) {
      if (event.type === 'gap') {
        out.hint(`some transitions were missed: ${event.reason}`);
        continue;
      }
      for (const commit of event.commits)
        out.line(out.forPeople ? commitLine(commit, out.style) : JSON.stringify(commit));
    }
    return 0;
  },
});
