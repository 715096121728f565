import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef } from 'react';

export interface Tab<Name extends string> {
  readonly name: Name;
  readonly label: string;
}

export interface TabsProps<Name extends string> {
  readonly label: string;
  readonly tabs: readonly Tab<Name>[];
  readonly current: Name;
  readonly onPick: (name: Name) => void;
  readonly children: ReactNode;
}

/** Tabs as the ARIA practices have them: one stop for Tab, arrows between them. */
export function Tabs<Name extends string>({ label, tabs, current, onPick, children }: TabsProps<Name>) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  // Where there is no room for all of them the one that is shown is not cut off; the page itself stays where it is.
  useEffect(() => {
    const line = list.current!;
    const tab = line.children[tabs.findIndex(({ name }) => name === current)] as HTMLElement | undefined;
    if (tab !== undefined && line.scrollWidth > line.clientWidth)
      line.scrollLeft += tab.getBoundingClientRect().right - line.getBoundingClientRect().right;
  }, [tabs, current]);
  const onKeyDown = (event: KeyboardEvent): void => {
    const at = tabs.findIndex(({ name }) => name === current);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = (to + tabs.length) % tabs.length;
    onPick(tabs[next]!.name);
    (list.current!.children[next] as HTMLElement).focus();
  };
  return (
    <>
      <div
        ref={list}
        role="tablist"
        aria-label={label}
        onKeyDown={onKeyDown}
        className="flex gap-1 overflow-x-auto border-b"
      >
        {tabs.map(({ name, label: text }) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`${id}-${name}`}
            aria-selected={name === current}
            aria-controls={`${id}-panel`}
            tabIndex={name === current ? 0 : -1}
            onClick={() => onPick(name)}
            className="-mb-px border-b-2 border-transparent px-3 py-2 font-medium whitespace-nowrap text-soft hover:text-ink aria-selected:border-accent aria-selected:text-ink"
          >
            {text}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${current}`} className="min-w-0">
        {children}
      </div>
    </>
  );
}
