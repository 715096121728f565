import type { FastifyRequest } from 'fastify';
import { CoaxError } from '../../errors/coax-error.ts';
import { INSTALLATION, may, type Need, projectsWith } from '../../identity/principal.ts';
import type { Projects } from '../../identity/projects.ts';
import { DEFAULT_PROJECT } from '../../message/limits.ts';
import { needOf, VERB } from './admit.ts';

/*
 * What a request may do with a thing of a project. The route's mark says what it needs; here it is asked in the thing's own
 * project. What somebody may not see is not there for them: 404, word for word as if it did not exist.
 */

/** What is asked of a request: who it is from, and what its route needs. */
export type Asking = Pick<FastifyRequest, 'principal' | 'routeOptions'>;

/** May the request look at things of this project? */
export function maySee({ principal }: Pick<Asking, 'principal'>, project: string): boolean {
  return may(principal, 'view', project);
}

/**
 * Refuses unless the request may do what its route needs with a thing of this project. `missing` makes the error of a thing
 * that is not there. Errors: that one, COAX_FORBIDDEN.
 */
export function assertMay(asking: Asking, project: string, missing: () => CoaxError): void {
  if (!maySee(asking, project)) throw missing();
  assertNeed(asking, project, needOf(asking.routeOptions.config));
}

/** For a list: the projects whose things are shown; absent when all are. `wanted`: the one that was asked for. Errors: COAX_NOT_FOUND. */
export function projectsToShow(asking: Asking, wanted?: string): { projects?: readonly string[] } {
  if (wanted !== undefined) {
    if (!maySee(asking, wanted)) throw noProject(wanted);
    return { projects: [wanted] };
  }
  const projects = projectsWith(asking.principal, 'view');
  return projects === null ? {} : { projects };
}

/**
 * For a list of tokens, accounts or roles: the places (projects, and `*` for the installation) in which the request may do what
 * its route needs; undefined for all. Errors: COAX_NOT_FOUND, COAX_FORBIDDEN for the one that was asked for.
 */
export function placesToShow(asking: Asking, wanted?: string): readonly string[] | undefined {
  if (wanted !== undefined) {
    assertMay(asking, wanted, () => noProject(wanted));
    return [wanted];
  }
  return projectsWith(asking.principal, needOf(asking.routeOptions.config)) ?? undefined;
}

/**
 * The project of what the request makes: the one that was named, else the only one in which it may, else `default`. Errors:
 * COAX_NOT_FOUND when it may not even see that, COAX_FORBIDDEN.
 */
export function projectForNew(asking: Asking, wanted?: string): string {
  const need = needOf(asking.routeOptions.config);
  const able = projectsWith(asking.principal, need);
  const project = wanted ?? (able?.length === 1 ? able[0]! : DEFAULT_PROJECT);
  if (!maySee(asking, project)) throw noProject(project);
  assertNeed(asking, project, need);
  return project;
}

/** The project that a query names. */
export function projectAskedFor({ query }: Pick<FastifyRequest, 'query'>): string | undefined {
  const { project } = query as { project?: unknown };
  return typeof project === 'string' ? project : undefined;
}

/**
 * Refuses a project that never was, which whoever may see all projects would else be shown as an empty one. One that was removed still
 * has its history. Errors: COAX_NOT_FOUND.
 */
export async function assertProjectKnown(projects: Projects, wanted: string): Promise<void> {
  if (wanted !== INSTALLATION && !(await projects.everWas(wanted))) throw noProject(wanted);
}

export function noProject(name: string): CoaxError {
  if (name === INSTALLATION)
    return new CoaxError('COAX_FORBIDDEN', 'that asks for a role in the whole installation');
  return new CoaxError('COAX_NOT_FOUND', `there is no project "${name}"`, {
    where: '/project',
    hint: '`coax whoami` lists the projects that your token opens.',
  });
}

function assertNeed({ principal }: Asking, project: string, need: Need): void {
  if (may(principal, need, project)) return;
  throw new CoaxError('COAX_FORBIDDEN', `${principal.actor} may not ${VERB[need]} in project ${project}`, {
    where: project,
  });
}
