import { resolveCommit, shortId } from '../../input/refs.ts';
import { plain, valueText } from '../../output/text.ts';
import { defineVerb } from '../../verb.ts';
import { changeLines, commitHead, commitTail } from './commit-text.ts';

/** One transition: who, when, with which code, and what it changed. */
export const verb = defineVerb({
  examples: [
    ['coax show 9f2c1ab04e', 'one commit; any unambiguous first digits will do'],
    ['coax show 141592', "a message's newest commit"],
    ['coax show 141592~1 -o json', 'the one before it, with all parameters'],
  ],
  args: [{ name: '<commit>', about: 'First digits of a commit id, MSGID, MSGID~N or @', completes: 'msgid' }],
  async run(context, [word = '']) {
    const { out } = context;
    const client = await context.client();
    const show = await resolveCommit(client, word);
    await out.object(show, show.commit.id, () => {
      const { commit, before, parameters, message } = show;
      out.line(out.style('bold', `message ${message.msgid}  ${plain(message.flow)}  commit ${commit.seq}`));
      for (const line of commitHead(commit, out)) out.line(line);
      if (commit.parent) out.line(`Parent: ${shortId(commit.parent)}`);
      const changes = changeLines(before, parameters, out.style);
      if (changes.length > 0) out.line();
      for (const line of changes) out.line(line);
      const same = Object.entries(parameters).filter(
        ([name]) => JSON.stringify(before[name]) === JSON.stringify(parameters[name]),
      );
      for (const [name, value] of same) out.line(out.style('dim', `     ${plain(name)}=${valueText(value)}`));
      for (const line of commitTail(commit, out, true)) out.line(line);
    });
    return 0;
  },
});
