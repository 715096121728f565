import './styles.css';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { cache } from './api/cache.ts';
import { router } from './router.tsx';
import { ENTER, Enter, takeEntry } from './shell/enter.tsx';
import { MissingLanguage } from './shell/missing-language.tsx';
import { applyTheme } from './shell/theme.ts';
import { preferredLanguage, setLanguage } from './words/words.ts';

const entry = location.pathname === ENTER ? takeEntry() : null;
applyTheme();
await setLanguage(preferredLanguage());

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MissingLanguage />
    <QueryClientProvider client={cache}>
      {entry === null ? <RouterProvider router={router} /> : <Enter entry={entry} />}
    </QueryClientProvider>
  </StrictMode>,
);
