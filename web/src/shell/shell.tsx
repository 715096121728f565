import { Outlet } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { keepCacheFresh } from '../api/cache.ts';
import { live } from '../api/live.ts';
import { countRates } from '../api/rates.ts';
import { useReady } from '../api/ready.ts';
import { useSession } from '../api/session.ts';
import { useWhoami } from '../api/whoami.ts';
import logo from '../icon.svg';
import { IconButton } from '../parts/button.tsx';
import { CommandLine } from '../parts/command/command-line.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { ProblemNotice } from '../parts/notice.tsx';
import { useWords } from '../words/words.ts';
import { LiveSign, StaleBanner } from './live-banner.tsx';
import { Nav } from './nav.tsx';
import { Preferences } from './preferences.tsx';
import { SignInForm } from './sign-in-form.tsx';

/** What is around every screen; before a person is let in, the form that lets them in. */
export function Shell() {
  const session = useSession();
  // The first request says whether this browser is let in.
  const first = useWhoami();
  useEffect(() => {
    if (session !== 'in') return;
    const ends = [live.start(), keepCacheFresh(), countRates()];
    return () => {
      for (const end of ends) end();
    };
  }, [session]);
  if (session === 'out' || session === 'ended') return <SignInForm />;
  if (session === 'unknown') {
    if (first.error === null) return null;
    return (
      <div className="mx-auto max-w-lg p-6">
        <ProblemNotice error={first.error} onRetry={() => void first.refetch()} />
      </div>
    );
  }
  return <Frame />;
}

function Frame() {
  const word = useWords();
  return (
    <div className="grid h-dvh grid-cols-1 grid-rows-[auto_minmax(0,1fr)_auto_auto] md:grid-cols-[11.5rem_minmax(0,1fr)] md:grid-rows-[auto_minmax(0,1fr)_auto]">
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:m-2 focus:rounded focus:bg-card focus:px-3 focus:py-2"
      >
        {word('nav.skip')}
      </a>
      <aside
        aria-label="Coax"
        className="order-4 border-t bg-card p-1 md:order-none md:row-span-3 md:flex md:flex-col md:gap-4 md:border-t-0 md:border-r md:p-3"
      >
        <Brand />
        <Nav />
        <div className="mt-auto hidden space-y-2 md:block">
          <About />
          <Preferences />
        </div>
      </aside>
      <header className="order-1 md:order-none">
        <div className="flex items-center justify-between gap-2 border-b bg-card px-3 py-1.5 md:hidden">
          <img src={logo} alt="Coax" className="size-6" />
          <LiveSign />
          <Settings />
        </div>
        <StaleBanner />
      </header>
      <main
        id="content"
        tabIndex={-1}
        className="order-2 min-h-0 min-w-0 overflow-auto outline-none md:order-none"
      >
        <Outlet />
      </main>
      <footer className="order-3 min-w-0 md:order-none">
        <CommandLine />
      </footer>
    </div>
  );
}

/** Where there is no room for them beside the screens. */
function Settings() {
  const word = useWords();
  const [open, setOpen] = useState(false);
  return (
    <>
      <IconButton icon="settings" label={word('shell.settings')} onClick={() => setOpen(true)} />
      <Dialog open={open} title={word('shell.settings')} onClose={() => setOpen(false)}>
        <Preferences />
        <div className="mt-4">
          <About />
        </div>
      </Dialog>
    </>
  );
}

function Brand() {
  return (
    <div className="hidden items-center gap-2.5 px-1 pt-1 md:flex">
      <img src={logo} alt="" className="size-6" />
      <span className="text-base font-semibold tracking-tight">Coax</span>
      <span className="ml-auto">
        <LiveSign />
      </span>
    </div>
  );
}

function About() {
  const word = useWords();
  const ready = useReady().data;
  const actor = useWhoami().data?.actor;
  return (
    <div className="space-y-1 px-1 text-2xs text-faint">
      {ready?.simulated && <p className="font-medium text-back">{word('shell.simulated')}</p>}
      <p className="truncate text-xs text-soft" title={actor}>
        {actor}
      </p>
      {ready && <p>{word('shell.version', { version: ready.version })}</p>}
    </div>
  );
}
