import { Link } from '@tanstack/react-router';
import type { CommitView } from '../../../../../src/api/commit.ts';
import type { PlanStepView } from '../../../../../src/api/message.ts';
import { valueText } from '../../../parts/value-text.ts';
import { useWords } from '../../../words/words.ts';

interface FailedBranch {
  readonly branch: string;
  readonly item?: unknown;
  readonly message: number;
  readonly code: string;
  readonly reason: string;
}

/** The detail of a group's commit; that of another step may say anything. */
interface GroupDetail {
  readonly partly?: NonNullable<PlanStepView['partly']>;
  readonly failed?: readonly FailedBranch[];
}

/** What a group's commit says of the branches that failed and were tolerated. */
export function FailedBranches({ commit }: { commit: CommitView }) {
  const word = useWords();
  const ofGroup = commit.step === 'all' || commit.step === 'each';
  const { partly, failed = [] } = (ofGroup ? (commit.detail ?? {}) : {}) as GroupDetail;
  if (partly === undefined) return null;
  return (
    <div className="text-back" data-partly>
      <p>{word('step.partly', { ...partly })}</p>
      <ul className="list-disc ps-5">
        {failed.map(({ branch, item, message, code, reason }) => (
          <li key={message} className="break-words">
            <Link to="/messages/$msgid" params={{ msgid: String(message) }} className="font-mono underline">
              {item === undefined ? branch : valueText(item)}
            </Link>{' '}
            {reason} <span className="font-mono text-xs">({code})</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
