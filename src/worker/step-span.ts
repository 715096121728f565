import {
  type Context,
  context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { Trace } from '../message/carried/trace.ts';
import type { ActionStep, Message } from '../message/message.ts';
import type { StepOutcome } from '../message/outcome.ts';
import { contextOf, isTraced, tracer, traceUnder } from '../tracing/trace-context.ts';

/** One run of a step as a span of the message's trace, whichever process does it. */
export class StepSpan {
  /** What the step hands on to what it calls. */
  readonly trace: Trace | null;
  readonly #span: Span | null;
  readonly #context: Context;

  constructor(message: Message, step: ActionStep, worker: string) {
    const { mode, trace: carried } = message;
    if (!isTraced()) {
      this.#span = null;
      this.#context = ROOT_CONTEXT;
      this.trace = carried;
      return;
    }
    const name = `${step.module} ${step.action}`;
    const parent = contextOf(carried);
    this.#span = tracer.startSpan(
      mode === 'rollback' ? `undo ${name}` : name,
      {
        kind: SpanKind.CONSUMER,
        attributes: {
          'coax.msgid': message.msgid,
          'coax.flow': message.flow,
          'coax.step': message.cursor,
          'coax.attempt': message.attempt + 1,
          'coax.mode': mode,
          'coax.worker': worker,
        },
      },
      parent,
    );
    this.#context = trace.setSpan(parent, this.#span);
    this.trace = traceUnder(this.#span, carried);
  }

  /** Spans that are begun in `work` are children of this one. */
  run<T>(work: () => T): T {
    return this.#span === null ? work() : context.with(this.#context, work);
  }

  end(outcome: StepOutcome): void {
    if (this.#span === null) return;
    if (this.#span.isRecording()) {
      this.#span.setAttribute('coax.outcome', outcome.kind);
      if (outcome.kind !== 'ok') {
        this.#span.setAttribute('error.type', outcome.error.code);
        // Its code alone: the reason may repeat a secret, which is crossed out only where it is kept.
        this.#span.setStatus({ code: SpanStatusCode.ERROR });
      }
    }
    this.#span.end();
  }
}
