import { type ReactNode, useEffect, useId, useRef } from 'react';
import { useWords } from '../words/words.ts';
import { IconButton } from './button.tsx';

export interface DialogProps {
  readonly open: boolean;
  readonly title: string;
  readonly children: ReactNode;
  /** Asked for by Escape, the cross, or a press beside it. */
  readonly onClose: () => void;
  readonly wide?: boolean;
}

/** The browser's own modal dialog: it keeps the focus in, gives it back, and closes by Escape. */
export function Dialog({ open, title, children, onClose, wide = false }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const word = useWords();
  useEffect(() => {
    const dialog = ref.current!;
    if (open && !dialog.open) dialog.showModal();
    if (!open && dialog.open) dialog.close();
  }, [open]);
  return (
    <dialog
      ref={ref}
      aria-labelledby={titleId}
      onCancel={event => {
        event.preventDefault();
        onClose();
      }}
      onPointerDown={event => event.target === ref.current && onClose()}
      className={`card m-auto w-[calc(100%-2rem)] p-0 text-ink shadow-2xl ${wide ? 'max-w-3xl' : 'max-w-lg'}`}
    >
      {open && (
        <div className="flex max-h-[85dvh] flex-col">
          <div className="flex items-center justify-between border-b px-4 py-2.5">
            <h2 id={titleId} className="font-semibold">
              {title}
            </h2>
            <IconButton icon="close" label={word('dialog.close')} onClick={onClose} />
          </div>
          <div className="overflow-auto p-4">{children}</div>
        </div>
      )}
    </dialog>
  );
}
