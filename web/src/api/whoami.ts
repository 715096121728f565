import { useQuery } from '@tanstack/react-query';
import type { ProjectList, WhoamiView } from '../../../src/api/access/identity.ts';
import { get } from './request.ts';
import { heardWelcome } from './session.ts';

/** Who is signed in, and what that person may do. Also the request that says whether this browser is let in. */
export function useWhoami() {
  return useQuery({
    queryKey: ['whoami'],
    queryFn: ({ signal }) => readWhoami(signal),
  });
}

async function readWhoami(signal: AbortSignal): Promise<WhoamiView> {
  const whoami = await get<WhoamiView>('/v1/whoami', {}, signal);
  heardWelcome();
  return whoami;
}

/** `view`: see. `operate`: also submit and decide. `admin`: also say who may what, and where events go. */
export type Need = 'view' | 'operate' | 'admin';

const OPENS: Readonly<Record<WhoamiView['roles'][number]['role'], readonly Need[]>> = {
  viewer: ['view'],
  worker: [],
  operator: ['view', 'operate'],
  admin: ['view', 'operate', 'admin'],
};

/**
 * Whether the person may do that in a project, or in the whole installation (`*`). For showing what makes sense: the server
 * asks again, and alone decides.
 */
function mayDo(whoami: WhoamiView | undefined, need: Need, project: string): boolean {
  if (whoami === undefined) return false;
  return whoami.roles.some(
    grant => (grant.project === '*' || grant.project === project) && OPENS[grant.role].includes(need),
  );
}

export function useMay(need: Need, project: string): boolean {
  return mayDo(useWhoami().data, need, project);
}

/** Names of the projects in which the person may do that, sorted. */
export function useProjects(need: Need): readonly string[] {
  const whoami = useWhoami().data;
  const { data } = useQuery({
    queryKey: ['projects'],
    queryFn: ({ signal }) => get<ProjectList>('/v1/projects', {}, signal),
  });
  return (data?.items ?? [])
    .map(({ name }) => name)
    .filter(name => mayDo(whoami, need, name))
    .sort();
}
