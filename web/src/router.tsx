import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { MissingPart, MissingPartNotice, part } from './parts/missing/missing-part.tsx';
import { ProblemNotice } from './parts/notice.tsx';
import { NotFound } from './parts/screen/not-found.tsx';
import { readShown } from './parts/tabs/shown.ts';
import { readHostFilters } from './screens/hosts/host-filters.ts';
import { readFilters } from './screens/messages/filters.ts';
import { readVmFilters } from './screens/vms/vm-filters.ts';
import { Shell } from './shell/shell.tsx';

/** Every path here is one of CONSOLE_PATHS of the server, which answers it with the document. */
const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

const overview = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: lazyRouteComponent(
    part(() => import('./screens/overview/overview.tsx')),
    'Overview',
  ),
});

const messages = createRoute({
  getParentRoute: () => root,
  path: '/messages',
  validateSearch: readFilters,
  component: lazyRouteComponent(
    part(() => import('./screens/messages/messages.tsx')),
    'Messages',
  ),
});

const message = createRoute({
  getParentRoute: () => root,
  path: '/messages/$msgid',
  validateSearch: readShown,
  component: lazyRouteComponent(
    part(() => import('./screens/message/message.tsx')),
    'Message',
  ),
});

const create = createRoute({
  getParentRoute: () => root,
  path: '/create',
  component: lazyRouteComponent(
    part(() => import('./screens/create/create.tsx')),
    'Create',
  ),
});

const createForm = createRoute({
  getParentRoute: () => root,
  path: '/create/$flow',
  component: lazyRouteComponent(
    part(() => import('./screens/create/create-form.tsx')),
    'CreateForm',
  ),
});

const vms = createRoute({
  getParentRoute: () => root,
  path: '/vms',
  validateSearch: readVmFilters,
  component: lazyRouteComponent(
    part(() => import('./screens/vms/vms.tsx')),
    'Vms',
  ),
});

const vm = createRoute({
  getParentRoute: () => root,
  path: '/vms/$vm',
  validateSearch: readShown,
  component: lazyRouteComponent(
    part(() => import('./screens/vm/vm.tsx')),
    'Vm',
  ),
});

const hosts = createRoute({
  getParentRoute: () => root,
  path: '/hosts',
  validateSearch: readHostFilters,
  component: lazyRouteComponent(
    part(() => import('./screens/hosts/hosts.tsx')),
    'Hosts',
  ),
});

const host = createRoute({
  getParentRoute: () => root,
  path: '/hosts/$host',
  component: lazyRouteComponent(
    part(() => import('./screens/host/host.tsx')),
    'Host',
  ),
});

const webhooks = createRoute({
  getParentRoute: () => root,
  path: '/webhooks',
  component: lazyRouteComponent(
    part(() => import('./screens/webhooks/webhooks.tsx')),
    'Webhooks',
  ),
});

const webhook = createRoute({
  getParentRoute: () => root,
  path: '/webhooks/$webhook',
  validateSearch: readShown,
  component: lazyRouteComponent(
    part(() => import('./screens/webhook/webhook.tsx')),
    'Webhook',
  ),
});

const packages = createRoute({
  getParentRoute: () => root,
  path: '/packages',
  component: lazyRouteComponent(
    part(() => import('./screens/packages/packages.tsx')),
    'Packages',
  ),
});

const rollout = createRoute({
  getParentRoute: () => root,
  path: '/rollouts/$msgid',
  component: lazyRouteComponent(
    part(() => import('./screens/rollout/rollout.tsx')),
    'Rollout',
  ),
});

export const router = createRouter({
  routeTree: root.addChildren([
    overview,
    messages,
    message,
    create,
    createForm,
    hosts,
    host,
    vms,
    vm,
    webhooks,
    webhook,
    packages,
    rollout,
  ]),
  defaultPreload: 'intent',
  scrollRestoration: true,
  defaultErrorComponent: ({ error, reset }) => (
    <div className="mx-auto max-w-2xl p-4">
      {error instanceof MissingPart ? (
        <MissingPartNotice error={error} />
      ) : (
        <ProblemNotice error={error as Error} onRetry={reset} />
      )}
    </div>
  ),
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
