import { CoaxError } from '../../../errors/coax-error.ts';
import { INSTALLATION, type Role } from '../../../identity/principal.ts';
import { type Asking, assertMay, noProject } from '../../admission/access-to.ts';
import type { RouteContext } from '../../app.ts';

/**
 * Nobody gives more than they have: who may give rights in a project, or in the whole installation (`*`), has them all there.
 * Errors: COAX_NOT_FOUND, COAX_FORBIDDEN; COAX_MESSAGE_INVALID for a worker of one project, since steps are not of one.
 */
export async function assertMayGive(
  { services }: RouteContext,
  asking: Asking,
  project: string,
  role: Role | undefined,
): Promise<void> {
  assertMay(asking, project, () => noProject(project));
  if (project !== INSTALLATION && !(await services.identity.projects.exists(project)))
    throw noProject(project);
  if (role !== 'worker' || project === INSTALLATION) return;
  throw new CoaxError('COAX_MESSAGE_INVALID', 'a worker does the steps of every project', {
    where: '/project',
    hint: 'Give the role for the whole installation: `--installation`, or project `*`.',
  });
}
