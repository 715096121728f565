import { ActionList, type ActionView } from '../../../api/step.ts';
import { ListQuery } from '../../../api/value.ts';
import type { Action } from '../../../step/contract.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { pageInMemory } from '../../page.ts';

export function stepRoutes(app: App, { services: { catalogue } }: RouteContext): void {
  app.get(
    '/v1/steps',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'steps',
        tags: ['flows'],
        summary: 'Every action of every module, as it is now',
        querystring: ListQuery,
        response: { 200: ActionList, ...PROBLEMS },
      },
    },
    async ({ query }) => {
      const keyed = {
        list: 'steps',
        shape: 'ss',
        keyOf: ({ module, action }: ActionView) => [module, action],
      };
      const page = await pageInMemory(keyed, query, catalogue.list().map(viewAction));
      return { ...page, faults: [...(catalogue.faults?.() ?? [])] };
    },
  );
}

function viewAction({ module, name, kind, code, undoable, about, input, output, file }: Action): ActionView {
  const schema = (given: object | null) => given && { ...given };
  return {
    module,
    action: name,
    kind,
    code,
    undoable,
    about,
    input: schema(input),
    output: schema(output),
    file,
  };
}
