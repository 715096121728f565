/** What flows, modules and programs of users import from `coax`. */
export { z } from 'zod';
export { CoaxError } from './errors/coax-error.ts';
export { defineFlow, type FlowSyntax, type RetrySyntax, type StepSyntax } from './flow/define-flow.ts';
export type { FlowDefinition, ParameterSchema } from './flow/flow.ts';
export type { Json, Parameters } from './message/message.ts';
export type { StepCall } from './step/contract.ts';
export {
  type ActionDefinition,
  defineModule,
  type ModuleDefinition,
  type TransactionalCall,
} from './step/define-module.ts';
export { Retryable, Terminal } from './step/step-errors.ts';
