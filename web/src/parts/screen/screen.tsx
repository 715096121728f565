import type { ReactNode } from 'react';
import { usePageTitle } from './page-title.ts';

/** A screen's head with its name, and what is beneath it. `fill`: what is beneath scrolls by itself. */
export function Screen(props: {
  title: ReactNode;
  /** What the browser's tab says; without it, the title. */
  name?: string;
  actions?: ReactNode;
  children: ReactNode;
  fill?: boolean;
}) {
  const { title, actions, children, fill = false } = props;
  const name = props.name ?? (typeof title === 'string' ? title : '');
  usePageTitle(...(name === '' ? [] : [name]));
  return (
    <div className={`mx-auto flex max-w-[110rem] flex-col gap-3 p-3 md:p-4 ${fill ? 'h-full' : ''}`}>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <h1 className="max-w-full text-lg font-semibold tracking-tight wrap-anywhere">{title}</h1>
        {actions}
      </div>
      {children}
    </div>
  );
}
