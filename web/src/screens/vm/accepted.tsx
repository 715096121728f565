import { Link } from '@tanstack/react-router';
import type { MessageView } from '../../../../src/api/message.ts';
import { useMessage } from '../../api/message.ts';
import { StatusBadge } from '../../parts/badge.tsx';
import { useWords } from '../../words/words.ts';

/** A message was accepted: where it can be followed, and how it stands. */
export function Accepted({ message }: { message: MessageView }) {
  const word = useWords();
  const now = useMessage(message.msgid).data?.message ?? message;
  return (
    <p role="status" className="flex flex-wrap items-center gap-2 rounded-lg border bg-card px-3 py-2">
      <StatusBadge status={now.status} />
      <Link
        to="/messages/$msgid"
        params={{ msgid: String(message.msgid) }}
        className="text-accent underline underline-offset-2"
      >
        {word('deed.accepted', { flow: message.flow, msgid: message.msgid })}
      </Link>
      {now.error && <span className="text-soft">{now.error.reason}</span>}
    </p>
  );
}
