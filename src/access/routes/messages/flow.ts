import { FlowList, FlowShow, type FlowView, LintAnswer, LintBody } from '../../../api/flow.ts';
import { ListQuery, NamePath } from '../../../api/value.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import type { FlowDefinition } from '../../../flow/flow.ts';
import { type Finding, lintFlow } from '../../../flow/lint-flow.ts';
import { parseFlow } from '../../../flow/parse-flow.ts';
import { stepLabel } from '../../../message/step-label.ts';
import { type App, PROBLEMS, type RouteContext } from '../../app.ts';
import { pageInMemory } from '../../page.ts';
import { findFlow, planNow } from '../../submit.ts';

export function flowRoutes(app: App, { services }: RouteContext): void {
  const { flows, catalogue } = services;

  app.get(
    '/v1/flows',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'flows',
        tags: ['flows'],
        summary: 'Every flow',
        querystring: ListQuery,
        response: { 200: FlowList, ...PROBLEMS },
      },
    },
    async ({ query }) => {
      const keyed = { list: 'flows', shape: 's', keyOf: ({ name }: FlowView) => [name] };
      const page = await pageInMemory(keyed, query, flows.list().map(viewFlow));
      return { ...page, faults: [...flows.faults()] };
    },
  );

  app.get(
    '/v1/flows/:name',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'flow',
        tags: ['flows'],
        summary: 'One flow, with its plan and its text',
        params: NamePath,
        response: { 200: FlowShow, ...PROBLEMS },
      },
    },
    async ({ params: { name } }) => {
      const flow = findFlow(services, name);
      return { ...viewFlow(flow), plan: planNow(flow, catalogue), source: flow.source };
    },
  );

  app.post(
    '/v1/lint',
    {
      config: { needs: 'view', scope: 'project' },
      schema: {
        operationId: 'lint',
        tags: ['flows'],
        summary: 'What can be said against a flow before it runs',
        body: LintBody,
        response: { 200: LintAnswer, ...PROBLEMS },
      },
    },
    async ({ body }) => {
      const look = (flow: FlowDefinition) => ({ items: [...lintFlow(flow, catalogue)] });
      if ('name' in body) return look(findFlow(services, body.name));
      let flow: FlowDefinition;
      try {
        flow = parseFlow(body.text, body.file ?? 'flow.yaml');
      } catch (error) {
        if (error instanceof CoaxError) return { items: findingsOf(error) };
        throw error;
      }
      return look(flow);
    },
  );
}

function findingsOf(error: CoaxError): Finding[] {
  const faults =
    error.faults.length > 0 ? error.faults : [{ where: error.where ?? '', reason: error.reason }];
  return faults.map(({ where, reason }) => ({ level: 'error', where, reason, hint: error.hint }));
}

function viewFlow(flow: FlowDefinition): FlowView {
  const parameters = Object.entries(flow.parameters);
  return {
    name: flow.name,
    about: flow.about,
    parameters: { ...flow.parameters },
    required: parameters.filter(([, schema]) => schema.default === undefined).map(([name]) => name),
    steps: flow.steps.map(stepLabel),
    file: flow.file,
  };
}
