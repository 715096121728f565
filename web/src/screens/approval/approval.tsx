import { Link } from '@tanstack/react-router';
import type { MessageView } from '../../../../src/api/message.ts';
import { awaitsPerson, useApprovals } from '../../api/approvals.ts';
import { Banner } from '../../parts/banner.tsx';
import { useWords } from '../../words/words.ts';
import { ApproveButtons, type Decide, useDecision } from './approve-buttons.tsx';

/** That a message, or a branch of it, waits for a person; with the decision. */
export function Approval({ message }: { message: MessageView }) {
  const items = useApprovals().data?.items ?? [];
  const [dialog, decide] = useDecision();
  const waiting = awaitsPerson(message)
    ? message
    : items.find(({ parent }) => parent?.msgid === message.msgid);
  return (
    <>
      {waiting !== undefined && <Waiting waiting={waiting} beneath={waiting !== message} onDecide={decide} />}
      {dialog}
    </>
  );
}

interface WaitingProps {
  readonly waiting: MessageView;
  /** It is a branch of the message that is shown. */
  readonly beneath: boolean;
  readonly onDecide: Decide;
}

function Waiting({ waiting: { msgid, flow, project, head }, beneath, onDecide }: WaitingProps) {
  const word = useWords();
  return (
    <div className="flex flex-wrap items-center gap-2" data-awaits={msgid}>
      <div className="min-w-0 flex-1 basis-64">
        {!beneath ? (
          <Banner tone="wait" title={word('approval.waits')} />
        ) : (
          <Banner tone="wait" title={word('approval.beneath')}>
            <Link to="/messages/$msgid" params={{ msgid: String(msgid) }} className="font-mono underline">
              {msgid}
            </Link>
          </Banner>
        )}
      </div>
      <ApproveButtons
        question={{
          msgid,
          project,
          name: `${flow} ${msgid}`,
          head,
          about: { approve: word('approval.approveAbout'), reject: word('approval.rejectAbout') },
        }}
        onDecide={onDecide}
      />
    </div>
  );
}
