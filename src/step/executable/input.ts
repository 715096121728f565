import { TOOL_PATH } from '../../linux/process/exec.ts';
import { type Trace, traceHeaders } from '../../message/carried/trace.ts';
import type { Json, Parameters } from '../../message/message.ts';
import type { StepCall } from '../contract.ts';

/** Larger values are in the input's JSON only: Linux takes 128 KiB a variable. */
const VARIABLE_MAX_BYTES = 64 * 1024;
/** For all parameters together: Linux takes about 2 MiB of arguments and environment. */
const VARIABLES_MAX_BYTES = 1024 * 1024;

/** What an executable reads from standard input, and what is recorded to run it again. */
export interface RecordedInput {
  readonly msgid: number;
  readonly step: number;
  readonly attempt: number;
  readonly key: string;
  readonly fence: number;
  readonly mode: 'do' | 'undo';
  readonly host: string | null;
  readonly parameters: Parameters;
  readonly output: Parameters;
}

export function inputOf(call: StepCall, parameters: Parameters): RecordedInput {
  return {
    msgid: call.msgid,
    step: call.step,
    attempt: call.attempt,
    key: call.key,
    fence: call.fence,
    mode: call.mode === 'normal' ? 'do' : 'undo',
    host: call.host,
    parameters,
    output: call.output,
  };
}

/** The whole environment of an executable; see executable.ts for the contract. */
export function environmentOf(input: RecordedInput, trace: Trace | null = null): Record<string, string> {
  const env: Record<string, string> = {
    PATH: TOOL_PATH,
    LANG: 'C.UTF-8',
    COAX_MSGID: String(input.msgid),
    COAX_STEP: String(input.step),
    COAX_ATTEMPT: String(input.attempt),
    COAX_KEY: input.key,
    COAX_FENCE: String(input.fence),
    COAX_MODE: input.mode,
  };
  if (input.host !== null) env.COAX_HOST = input.host;
  for (const [name, value] of Object.entries(traceHeaders(trace))) env[name.toUpperCase()] = value;
  const room = { bytes: VARIABLES_MAX_BYTES };
  addVariables(env, 'COAX_PARAM_', input.parameters, room);
  if (input.mode === 'undo') addVariables(env, 'COAX_OUTPUT_', input.output, room);
  return env;
}

function addVariables(
  env: Record<string, string>,
  prefix: string,
  values: Parameters,
  room: { bytes: number },
): void {
  const names = new Map<string, string | null>();
  for (const name of Object.keys(values).sort()) {
    const variable = prefix + name.toUpperCase().replace(/[^A-Z0-9_]/g, '_');
    names.set(variable, names.has(variable) ? null : name);
  }
  for (const [variable, name] of names) {
    if (name === null) continue; // two names came out alike: which of them it is must not be guessed
    const text = textOf(values[name] as Json);
    const bytes = variable.length + Buffer.byteLength(text) + 2;
    if (text.includes('\0') || bytes > VARIABLE_MAX_BYTES || bytes > room.bytes) continue;
    room.bytes -= bytes;
    env[variable] = text;
  }
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
