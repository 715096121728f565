import {
  Done,
  ProjectBody,
  ProjectEditBody,
  ProjectList,
  ProjectPath,
  ProjectView,
} from '../../../api/access/identity.ts';
import { ListQuery } from '../../../api/value.ts';
import type { Project } from '../../../identity/projects.ts';
import { versionOf } from '../../../message/version/version.ts';
import { type Asking, assertMay, noProject, projectsToShow } from '../../admission/access-to.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { versionsOf } from '../../exchange/etag.ts';
import { isoTime } from '../../message-view.ts';
import { keyedPage } from '../../page.ts';

export function projectRoutes(app: App, context: RouteContext): void {
  readRoutes(app, context);
  changeRoutes(app, context);
}

function readRoutes(app: App, context: RouteContext): void {
  const { projects } = context.services.identity;

  app.get(
    '/v1/projects',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'projects',
        tags: ['access'],
        summary: 'The projects that the token may look into',
        querystring: ListQuery,
        response: { 200: ProjectList, ...PROBLEMS },
      },
    },
    async request => {
      const { projects: mine } = projectsToShow(request);
      const keyed = { list: 'projects', shape: 's', keyOf: ({ name }: ProjectView) => [name] };
      return keyedPage(keyed, request.query, async slice =>
        (await projects.list(mine, slice)).map(viewProject),
      );
    },
  );

  app.get(
    '/v1/projects/:name',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'project',
        tags: ['access'],
        summary: 'One project',
        params: ProjectPath,
        response: { 200: ProjectView, ...PROBLEMS },
      },
    },
    async request => {
      const project = await findProject(context, request, request.params.name);
      request.head = versionOf(project);
      return viewProject(project);
    },
  );
}

function changeRoutes(app: App, context: RouteContext): void {
  const { identity } = context.services;
  const { projects } = identity;

  app.post(
    '/v1/projects',
    {
      config: { needs: 'admin', scope: 'installation' },
      schema: {
        operationId: 'createProject',
        tags: ['access'],
        summary: 'Make a project',
        body: ProjectBody,
        response: { 200: ProjectView, ...PROBLEMS },
      },
    },
    async request => {
      const { name, labels = {} } = request.body;
      await projects.create(name, labels, request.actor);
      return viewProject(await findProject(context, request, name));
    },
  );

  app.post(
    '/v1/projects/:name/edit',
    {
      config: { needs: 'admin', scope: 'project', ifMatch: true },
      schema: {
        operationId: 'editProject',
        tags: ['access'],
        summary: 'Give a project other labels',
        params: ProjectPath,
        body: ProjectEditBody,
        response: { 200: ProjectView, ...PROBLEMS },
      },
    },
    async request => {
      const { name } = await findProject(context, request, request.params.name);
      await projects.edit(name, request.body.labels, versionsOf(request));
      return viewProject(await findProject(context, request, name));
    },
  );

  app.post(
    '/v1/projects/:name/remove',
    {
      config: { needs: 'admin', scope: 'installation', ifMatch: true },
      schema: {
        operationId: 'removeProject',
        tags: ['access'],
        summary: 'Take a project out of use, with its tokens, accounts and roles; its history stays',
        params: ProjectPath,
        response: { 200: Done, ...PROBLEMS },
      },
    },
    async request => {
      const { name } = await findProject(context, request, request.params.name);
      await projects.remove(name, versionsOf(request));
      identity.changed();
      return { ok: true as const };
    },
  );
}

async function findProject({ services }: RouteContext, asking: Asking, name: string): Promise<Project> {
  const missing = () => noProject(name);
  assertMay(asking, name, missing);
  const project = await services.identity.projects.find(name);
  if (project === null) throw missing();
  return project;
}

const viewProject = ({ name, labels, created, createdBy }: Project): ProjectView => ({
  name,
  labels: { ...labels },
  created: isoTime(created),
  createdBy,
});
