/** The typed client of the HTTP API: what the command line itself uses, for programs of users as `coax/client`. */
export type { CommitEventView } from '../api/event.ts';
export type { MessageView, SubmitFlow, SubmitPlan } from '../api/message.ts';
export { CoaxError } from '../errors/coax-error.ts';
export {
  type Client,
  type ClientOptions,
  CoaxClient,
  type EventsOptions,
  isRestingStatus,
  makeClient,
  type StreamEvent,
  type SubmitOptions,
  type WaitOptions,
} from './client.ts';
