import type { Role } from '../../src/identity/principal.ts';
import type { Served } from '../system/access-fixture.ts';

/** One operation as the server's own document has it. */
export interface Operation {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly opens: string | null;
  readonly needs: string;
  readonly scope: string;
}

/** Who asks: a role in the project `own` or in the whole installation (`*`); null without a token. */
export interface Who {
  readonly role: Role | null;
  readonly project: 'own' | '*' | null;
}

export type Kind = 'unknown' | 'forbidden' | 'missing' | 'in';

export async function operationsOf(served: Pick<Served, 'url'>): Promise<Operation[]> {
  const document = (await (await fetch(`${served.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { operationId: string; 'x-coax-access'?: Partial<Operation> }>>;
  };
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, 'x-coax-access': mark = {} }]) => ({
      operationId,
      method: method.toUpperCase(),
      path,
      opens: mark.opens ?? null,
      // Nothing said is the most, as docs/design/security.md promises.
      needs: mark.needs ?? 'admin',
      scope: mark.scope ?? 'installation',
    })),
  );
}

/** What each role may, written down a second time: the test must not ask what it tests. */
const MAY: Readonly<Record<Role, string>> = {
  viewer: 'view',
  worker: 'work',
  operator: 'view work operate',
  admin: 'view work operate admin',
};

/** Paths of things that belong to a project. */
const OF_A_PROJECT = [
  '/v1/messages/{',
  '/v1/commits/{',
  '/v1/vms/{',
  '/v1/projects/{',
  '/v1/tokens/{',
  '/v1/accounts/{',
  '/v1/webhooks/{',
  '/v1/rollouts/{',
];
/** Paths of things that are there for everybody, or of the installation. */
const OF_ALL = [
  '/v1/flows/{',
  '/v1/networks/{',
  '/v1/agents/{',
  '/v1/join-tokens/{',
  '/v1/secret-keys/{',
  '/v1/sessions/{',
  '/errors/{',
];
/** Operations whose query or body names a thing of a project. */
const NAMES_ONE = new Set([
  'diff',
  'submit',
  'decideMany',
  'export',
  'createWebhook',
  'createToken',
  'createAccount',
  'grantRole',
  'role',
  'withdrawRole',
]);
/** What these ask for is not there in this test, even for who may. */
const ABSENT = new Set([
  'removeProject',
  'dropSecretKey',
  'withdrawRole',
  'revokeAgent',
  'revokeJoinToken',
  'revokeLoginSession',
  'agentReport',
  'agentGoodbye',
  'network',
  'console',
]);

function touchesProject({ path, operationId }: Operation): boolean {
  if (OF_A_PROJECT.some(prefix => path.startsWith(prefix)) || NAMES_ONE.has(operationId)) return true;
  if (path.includes('{') && !OF_ALL.some(prefix => path.startsWith(prefix)))
    throw new Error(`${path}: say in test/security/table.ts whether that is of a project`);
  return false;
}

/** How the operation must answer who asks it about a thing of that project. */
export function expected(operation: Operation, who: Who, project: 'own' | 'other'): readonly Kind[] {
  const { opens, needs, scope, operationId } = operation;
  if (opens === 'anyone') return ['unknown', 'missing', 'in'];
  if (who.role === null) return ['unknown'];
  if (opens === 'known') return ['in'];
  if (!MAY[who.role].split(' ').includes(needs)) return ['forbidden'];
  const inside: readonly Kind[] = ABSENT.has(operationId) ? ['in', 'missing'] : ['in'];
  if (who.project === '*') return inside;
  if (scope === 'installation') return ['forbidden'];
  return project === 'other' && touchesProject(operation) ? ['missing'] : inside;
}
