import {
  AccountBody,
  AccountList,
  AccountPath,
  AccountView,
  Done,
  RightsQuery,
} from '../../../api/access/identity.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import type { Account } from '../../../identity/accounts.ts';
import { versionOf } from '../../../message/version/version.ts';
import { type Asking, assertMay, placesToShow } from '../../admission/access-to.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { versionsOf } from '../../exchange/etag.ts';
import { isoTime } from '../../message-view.ts';
import { keyedPage } from '../../page.ts';
import { assertMayGive } from './rights.ts';

export function accountRoutes(app: App, context: RouteContext): void {
  const { accounts } = context.services.identity;

  app.get(
    '/v1/accounts',
    {
      config: { needs: 'admin', scope: 'project' },
      schema: {
        operationId: 'accounts',
        tags: ['access'],
        summary: 'Service accounts',
        querystring: RightsQuery,
        response: { 200: AccountList, ...PROBLEMS },
      },
    },
    async request => {
      const { project, ...query } = request.query;
      const places = placesToShow(request, project);
      return keyedPage({ list: 'accounts', shape: 's', keyOf: ({ name }) => [name] }, query, async slice =>
        (await accounts.list(places, slice)).map(viewAccount),
      );
    },
  );

  app.get(
    '/v1/accounts/:name',
    {
      config: { needs: 'admin', scope: 'project' },
      schema: {
        operationId: 'account',
        tags: ['access'],
        summary: 'One service account',
        params: AccountPath,
        response: { 200: AccountView, ...PROBLEMS },
      },
    },
    async request => {
      const account = await findAccount(context, request, request.params.name);
      request.head = versionOf(account);
      return viewAccount(account);
    },
  );
  changeRoutes(app, context);
}

function changeRoutes(app: App, context: RouteContext): void {
  const { identity } = context.services;
  const { accounts } = identity;

  app.post(
    '/v1/accounts',
    {
      config: { needs: 'admin', scope: 'project' },
      schema: {
        operationId: 'createAccount',
        tags: ['access'],
        summary: 'Make a service account; it has no roles yet',
        body: AccountBody,
        response: { 200: AccountView, ...PROBLEMS },
      },
    },
    async request => {
      const { name, project, about = '' } = request.body;
      await assertMayGive(context, request, project, undefined);
      await accounts.create({ name, project, about }, request.actor);
      return viewAccount(await findAccount(context, request, name));
    },
  );

  app.post(
    '/v1/accounts/:name/remove',
    {
      config: { needs: 'admin', scope: 'project', ifMatch: true },
      schema: {
        operationId: 'removeAccount',
        tags: ['access'],
        summary: 'Remove a service account, with its tokens and roles',
        params: AccountPath,
        response: { 200: Done, ...PROBLEMS },
      },
    },
    async request => {
      const { name } = await findAccount(context, request, request.params.name);
      await accounts.remove(name, versionsOf(request));
      identity.changed();
      return { ok: true as const };
    },
  );
}

/** The account, if the request may do with it what its route needs. Errors: COAX_NOT_FOUND, COAX_FORBIDDEN. */
export async function findAccount(
  { services }: RouteContext,
  asking: Asking,
  name: string,
): Promise<Account> {
  const missing = () =>
    new CoaxError('COAX_NOT_FOUND', `there is no service account "${name}"`, {
      where: name,
      hint: '`coax account ls` lists them.',
    });
  const account = await services.identity.accounts.find(name);
  if (account === null) throw missing();
  assertMay(asking, account.project, missing);
  return account;
}

const viewAccount = (account: Account): AccountView => ({ ...account, created: isoTime(account.created) });
