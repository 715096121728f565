import { CoaxError, isCoaxError } from '../../errors/coax-error.ts';
import { DEFAULT_PROJECT } from '../../message/limits.ts';

/** What was refused for now; for good where one request has more than a whole minute of them. */
export function orForGood(error: unknown, submissions: readonly { readonly project?: string }[]): unknown {
  if (!isCoaxError(error, 'COAX_QUOTA_EXCEEDED') || error.retryAfterMs === undefined) return error;
  const { project, limit } = error.detail as { project: string; limit: number };
  const asked = submissions.filter(({ project: own = DEFAULT_PROJECT }) => own === project).length;
  if (asked <= limit) return error;
  const reason = `project ${project} may submit ${limit} in a minute, and this is ${asked} at once`;
  const hint = 'Send fewer at once, or ask who runs this for more: `coax quota show PROJECT`.';
  return new CoaxError('COAX_QUOTA_EXCEEDED', reason, { where: project, hint, detail: error.detail });
}
