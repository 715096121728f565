/**
 * What a person or a program may do, in a project or in the whole installation (`*`), where it covers every project.
 * `viewer` sees; `operator` also submits and decides; `admin` also gives others their rights. `worker` does steps for the
 * whole installation and sees nothing else.
 */
export type Role = 'viewer' | 'operator' | 'admin' | 'worker';

/** What an operation asks for. */
export type Need = 'view' | 'work' | 'operate' | 'admin';

const OPENS: Readonly<Record<Role, readonly Need[]>> = {
  viewer: ['view'],
  worker: ['work'],
  operator: ['view', 'work', 'operate'],
  admin: ['view', 'work', 'operate', 'admin'],
};

/** Stands for the whole installation where a project's name may stand. */
export const INSTALLATION = '*';

export interface Grant {
  /** Name of a project, or `*`. */
  readonly project: string;
  readonly role: Role;
}

/** Who asks. */
export interface Principal {
  /** As it stands in the ledger: a person, `sa/NAME`, or `agent/HOST`. */
  readonly actor: string;
  /** The host whose session it is; null for all others. A session has no grants: what it opens is marked on the routes. */
  readonly host: string | null;
  readonly grants: readonly Grant[];
}

/** May it do that in this project, or in the installation (`*`)? */
export function may({ grants }: Pick<Principal, 'grants'>, need: Need, project: string): boolean {
  return grants.some(
    grant =>
      (grant.project === INSTALLATION || grant.project === project) && OPENS[grant.role].includes(need),
  );
}

/** The projects in which it may do that; null when it may in all. */
export function projectsWith({ grants }: Pick<Principal, 'grants'>, need: Need): readonly string[] | null {
  if (may({ grants }, need, INSTALLATION)) return null;
  const able = grants.filter(grant => OPENS[grant.role].includes(need));
  return [...new Set(able.map(grant => grant.project))];
}
