import type { Parameters } from '../message/message.ts';
import { applyDelta } from '../message/parameters.ts';
import type { CommitBody } from './commit.ts';

/** Parameters after a run of commits, from those before it. Start with `{}` when the run begins with the first commit. */
export function foldCommits(
  before: Parameters,
  commits: Iterable<Pick<CommitBody, 'set' | 'unset'>>,
): Parameters {
  let parameters = before;
  for (const { set, unset } of commits) {
    if (set !== undefined || unset !== undefined) {
      parameters = applyDelta(parameters, { set: set ?? {}, unset: unset ?? [] });
    }
  }
  return parameters;
}
