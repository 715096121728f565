import type { CommitOutcome } from '../../src/message/transitions.ts';
import { memberTable, pageText, table, writePage } from './page.ts';

const OUTCOMES: Readonly<Record<CommitOutcome, string>> = {
  accepted: 'the message was accepted; `detail` has its flow and the hash of its plan',
  ok: 'mode normal: the step is done. Mode rollback: it is undone',
  retry: 'the attempt failed and will be tried again',
  failed: 'the step failed for good: the message turns back',
  parked: 'the undo failed for good: a person decides',
  split: 'the group made children; `detail.children` has their msgids',
  cancel: 'a person (or a failed sibling) turned the message back',
  revert: 'a finished message is walked back',
  amend: 'another message moved what this one made; its undo is given the new parameters',
  rewind: 'the message walks back to a step, and forward again from it',
  resolve: 'a person decided for a parked message; `detail.how` says what',
};

export const page = {
  path: 'docs/reference/ledger.md',
  text: () =>
    pageText(
      '# Ledger',
      'One commit per transition. The commits of a message are a chain: each names the one before it by its id, which is the SHA-256 of its canonical JSON (RFC 8785), so nothing in the past can be changed unseen. `src/ledger/commit.ts` writes them; `src/ledger/` reads them: fold, diff, blame, replay, fsck, fork, git-export.',
      '## Members of a commit',
      memberTable('src/ledger/commit.ts', 'CommitBody'),
      '`id` is not part of the text that is hashed. A member whose type says `?` is left out when there is nothing to say.',
      '## Outcomes',
      table(
        ['outcome', 'what happened'],
        Object.entries(OUTCOMES).map(([outcome, about]) => [`\`${outcome}\``, about]),
      ),
      '## Reading it',
      table(
        ['verb', 'what it tells'],
        [
          ['`coax log MSGID`', 'the commits of a message, newest first; `--graph` with its branches'],
          ['`coax show COMMIT`', 'one commit with the parameters before and after it'],
          ['`coax diff A B`', 'two commits or two messages: where they differ first'],
          ['`coax blame MSGID`', 'which commit set each parameter'],
          ['`coax fsck`', 'every hash, chain, row and allocation, checked'],
          ['`coax fork COMMIT`', 'a new message that goes on from there'],
          ['`coax export --git DIR`', 'the whole ledger as a git repository'],
        ],
      ),
    ),
};

if (import.meta.main) await writePage(page);
