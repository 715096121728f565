import { CoaxError } from '../errors/coax-error.ts';
import type { MessageState, Parameters, Plan } from '../message/message.ts';
import { parametersOf, withoutUndefined } from '../message/parameters.ts';
import { startState } from '../message/start-state.ts';
import type { Chain, Commit } from './commit.ts';
import { replayCommit } from './replay.ts';

/**
 * The first state of a message that goes on from a commit of another, with some parameters changed. `commits` is the
 * other's chain from its first commit up to and with that one.
 *
 * Steps before the cursor stay the other message's: the fork's floor keeps its walk back from them. A group whose
 * branches were under way is begun anew, since those branches are the other message's too.
 *
 * Errors: COAX_MESSAGE_STATE when the other message was on its way back after that commit, or done.
 */
export async function forkState(commits: Chain, plan: Plan, edit: Parameters): Promise<MessageState> {
  let state: MessageState | null = null;
  let forward: Commit | null = null;
  for await (const commit of commits) {
    state = replayCommit(state, plan, commit);
    if (state.mode === 'normal' && state.phase !== 'done') forward = commit;
  }
  if (state === null) throw new TypeError('a chain has at least one commit');
  const hint =
    forward === null
      ? undefined
      : `Fork from ${forward.id.slice(0, 12)}, the last commit from which there is a way forward.`;
  if (state.mode === 'rollback') {
    throw new CoaxError(
      'COAX_MESSAGE_STATE',
      'after that commit the message was on its way back',
      hint ? { hint } : {},
    );
  }
  if (state.phase === 'done') {
    throw new CoaxError(
      'COAX_MESSAGE_STATE',
      'after that commit the message was done: nothing is left to do',
      hint ? { hint } : {},
    );
  }
  return startState(plan, { ...parametersOf(state), ...withoutUndefined(edit) }, state.cursor);
}
