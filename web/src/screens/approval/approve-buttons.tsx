import { type ReactNode, useState } from 'react';
import { giveApproval } from '../../api/approvals.ts';
import { useMay } from '../../api/whoami.ts';
import { Button } from '../../parts/button.tsx';
import { shellWord } from '../../parts/command/shell-word.ts';
import { type Deed, DeedDialog } from '../../parts/deed-dialog.tsx';
import { useWords, type word as Word } from '../../words/words.ts';

const DECISIONS = ['approve', 'reject'] as const;
type Decision = (typeof DECISIONS)[number];

/** What a person is asked about. */
export interface Question {
  /** What waits, or what it is beneath. */
  readonly msgid: number;
  readonly project: string;
  /** What it is, for the windows that ask for a reason. */
  readonly name: string;
  /** The head that the person sees; null where a message beneath is meant. */
  readonly head: string | null;
  /** What a yes and a no do. */
  readonly about: Readonly<Record<Decision, string>>;
}

export type Decide = (decision: Decision, question: Question) => void;

/**
 * The window that says what a decision does and asks for a reason. It keeps the question that it was opened for, so that one which
 * is decided elsewhere meanwhile neither takes the window away nor has another answered in its place.
 */
export function useDecision(): readonly [ReactNode, Decide] {
  const word = useWords();
  const [open, setOpen] = useState<{ decision: Decision; question: Question } | null>(null);
  const close = (): void => setOpen(null);
  const dialog = open !== null && (
    <DeedDialog
      title={`${word(`approval.${open.decision}`)} · ${open.question.name}`}
      deed={deedOf(open.decision, open.question, word)}
      onClose={close}
      onDone={close}
    />
  );
  return [dialog, (decision, question) => setOpen({ decision, question })];
}

interface ApproveButtonsProps {
  readonly question: Question;
  readonly onDecide: Decide;
  readonly className?: string;
}

/** Yes and no to what waits for a person. */
export function ApproveButtons({ question, onDecide, className = '' }: ApproveButtonsProps) {
  const { msgid, project } = question;
  const word = useWords();
  const mayDo = useMay('operate', project);
  return (
    <fieldset className={`flex flex-wrap gap-1.5 ${className}`}>
      <legend className="sr-only">{word('approval.decide', { msgid })}</legend>
      {DECISIONS.map(decision => (
        <Button
          key={decision}
          kind={decision === 'approve' ? 'main' : 'danger'}
          blocked={mayDo ? null : word('blocked.viewer', { project })}
          onClick={() => onDecide(decision, question)}
        >
          {word(`approval.${decision}`)}
        </Button>
      ))}
    </fieldset>
  );
}

function deedOf(decision: Decision, { msgid, head, about }: Question, word: typeof Word): Deed {
  const reject = decision === 'reject';
  return {
    label: word(`approval.${decision}`),
    about: about[decision],
    takesReason: true,
    danger: reject,
    command: reason => `coax approve ${msgid}${reject ? ' --reject' : ''} --reason ${shellWord(reason)}`,
    act: reason => giveApproval(msgid, { reject, reason, head }),
  };
}
