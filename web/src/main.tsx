import './styles.css';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { cache } from './api/cache.ts';
import { router } from './router.tsx';
import { applyTheme } from './shell/theme.ts';
import { preferredLanguage, setLanguage } from './words/words.ts';

applyTheme();
await setLanguage(preferredLanguage());

// A server that was brought up to date has other files: the page that asks for an old one begins anew.
window.addEventListener('vite:preloadError', () => window.location.reload());

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <QueryClientProvider client={cache}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
