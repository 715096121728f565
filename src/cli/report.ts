import { CoaxError, textOf } from '../errors/coax-error.ts';
import { CODES, type ErrorCode } from '../errors/codes.ts';
import type { Output } from './output/output.ts';
import { plain } from './output/text.ts';

/** What a reader of an error gets: RFC 9457's members and ours. */
interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly where?: string;
  readonly hint: string;
  readonly faults?: CoaxError['faults'];
  readonly instance?: string;
}

/**
 * Prints an error on standard error: what (code), where, what to do; with `-o json` as one problem object. Returns the exit
 * status. COAX_DEBUG=1 adds the stack of a defect.
 */
export function report(error: unknown, output: Output): number {
  const known = error instanceof CoaxError ? error : defect(error);
  if (output.format === 'json' || output.format === 'jsonl') {
    output.stderr.write(`${JSON.stringify(problemOf(known))}\n`);
  } else {
    output.stderr.write(problemLines(known, output).join('\n').concat('\n'));
  }
  if (process.env.COAX_DEBUG && error instanceof Error) output.stderr.write(`${error.stack}\n`);
  return known.exitStatus;
}

function defect(error: unknown): CoaxError {
  return new CoaxError('COAX_INTERNAL', textOf(error), {
    hint: 'This is a defect of Coax. Run it again with COAX_DEBUG=1 and report what it prints.',
    cause: error,
  });
}

function problemOf(error: CoaxError): Problem {
  return {
    type: `/errors/${error.code}`,
    title: CODES[error.code as ErrorCode].about,
    status: error.httpStatus,
    detail: error.reason,
    code: error.code,
    ...(error.where === undefined ? {} : { where: error.where }),
    hint: error.hint,
    ...(error.faults.length === 0 ? {} : { faults: error.faults }),
  };
}

function problemLines(error: CoaxError, output: Output): string[] {
  const style = output.errorStyle;
  const dim = (text: string) => style('dim', text);
  const faults = error.faults.filter(fault => fault.reason !== error.reason);
  return [
    `${style(['red', 'bold'], 'coax:')} ${plain(error.reason)} ${dim(`(${error.code})`)}`,
    ...(error.where && faults.length === 0 ? [`  ${dim('at')}  ${plain(error.where)}`] : []),
    ...faults
      .slice(0, 10)
      .map(fault => `  ${dim('at')}  ${plain(fault.where || '/')}: ${plain(fault.reason)}`),
    ...(faults.length > 10 ? [`  ${dim('at')}  … and ${faults.length - 10} more`] : []),
    `  ${dim('do')}  ${plain(error.hint)}`,
  ];
}
