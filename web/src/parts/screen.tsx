import type { ReactNode } from 'react';

/** A screen's head with its name, and what is beneath it. `fill`: what is beneath scrolls by itself. */
export function Screen(props: {
  title: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  fill?: boolean;
}) {
  const { title, actions, children, fill = false } = props;
  return (
    <div className={`mx-auto flex max-w-[110rem] flex-col gap-3 p-3 md:p-4 ${fill ? 'h-full' : ''}`}>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <h1 className="text-lg font-semibold tracking-tight">{title}</h1>
        {actions}
      </div>
      {children}
    </div>
  );
}
