import {
  Done,
  GrantBody,
  RightsQuery,
  RoleList,
  RoleQuery,
  RoleView,
  WithdrawBody,
} from '../../../api/access/identity.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { bindingState } from '../../../identity/bindings.ts';
import { versionOf } from '../../../message/version/version.ts';
import { assertMay, noProject, placesToShow } from '../../admission/access-to.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { versionsOf } from '../../exchange/etag.ts';
import { isoTime } from '../../message-view.ts';
import { keyedPage } from '../../page.ts';
import { findAccount } from './account.ts';
import { assertMayGive } from './rights.ts';

/** Who has which role where. */
export function roleRoutes(app: App, context: RouteContext): void {
  const { bindings } = context.services.identity;
  changeRoutes(app, context);
  oneRoute(app, context);

  app.get(
    '/v1/roles',
    {
      config: { needs: 'admin', scope: 'project' },
      schema: {
        operationId: 'roles',
        tags: ['access'],
        summary: 'Who has which role where',
        querystring: RightsQuery,
        response: { 200: RoleList, ...PROBLEMS },
      },
    },
    async request => {
      const { project, ...query } = request.query;
      const places = placesToShow(request, project);
      return keyedPage(
        { list: 'roles', shape: 'ss', keyOf: role => [role.project, role.subject] },
        query,
        async slice =>
          (await bindings.list(places, slice)).map(role => ({ ...role, created: isoTime(role.created) })),
      );
    },
  );
}

function oneRoute(app: App, { services }: RouteContext): void {
  app.get(
    '/v1/role',
    {
      config: { needs: 'admin', scope: 'project' },
      schema: {
        operationId: 'role',
        tags: ['access'],
        summary: 'The role that somebody has there; its ETag is for a change of it',
        querystring: RoleQuery,
        response: { 200: RoleView, ...PROBLEMS },
      },
    },
    async request => {
      const { subject, project } = request.query;
      assertMay(request, project, () => noProject(project));
      const role = await services.identity.bindings.find(subject, project);
      if (role === null) throw noRole(subject);
      request.head = versionOf(bindingState(role));
      return { ...role, created: isoTime(role.created) };
    },
  );
}

const noRole = (subject: string): CoaxError =>
  new CoaxError('COAX_NOT_FOUND', `${subject} has no role there`, {
    where: subject,
    hint: '`coax role ls` lists who has which role.',
  });

function changeRoutes(app: App, context: RouteContext): void {
  const { identity } = context.services;
  const { bindings } = identity;

  app.post(
    '/v1/roles/grant',
    {
      config: { needs: 'admin', scope: 'project', ifMatch: true },
      schema: {
        operationId: 'grantRole',
        tags: ['access'],
        summary: 'Give somebody a role, in place of the one they had there',
        body: GrantBody,
        response: { 200: Done, ...PROBLEMS },
      },
    },
    async request => {
      const { subject, project, role } = request.body;
      await assertMayGive(context, request, project, role);
      if (subject.startsWith('sa/') && (await identity.accounts.find(subject.slice(3))) === null)
        await findAccount(context, request, subject.slice(3));
      await bindings.grant(subject, project, role, request.actor, versionsOf(request));
      identity.changed();
      return { ok: true as const };
    },
  );

  app.post(
    '/v1/roles/withdraw',
    {
      config: { needs: 'admin', scope: 'project', ifMatch: true },
      schema: {
        operationId: 'withdrawRole',
        tags: ['access'],
        summary: 'Take the role away that somebody has there',
        body: WithdrawBody,
        response: { 200: Done, ...PROBLEMS },
      },
    },
    async request => {
      const { subject, project } = request.body;
      await assertMayGive(context, request, project, undefined);
      if (!(await bindings.revoke(subject, project, versionsOf(request)))) throw noRole(subject);
      identity.changed();
      return { ok: true as const };
    },
  );
}
