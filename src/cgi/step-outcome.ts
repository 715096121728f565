import { REASON_LENGTH_MAX } from '../message/limits.ts';
import type { Json, StepError } from '../message/message.ts';
import { type StepOutcome, terminal } from '../message/outcome.ts';
import type { StepCall } from '../step/contract.ts';
import { outcomeOf } from '../step/executable/outcome.ts';
import { readOutput } from '../step/executable/output.ts';
import type { CgiScript } from './cgi-folder.ts';
import { metaVariables, searchWords } from './meta-variables.ts';
import type { ResponseHead } from './response-head.ts';
import { runScript, type ScriptEnd } from './run-script.ts';
import type { ScriptRequest } from './settings.ts';
import { stepRequest } from './step-request.ts';

const BODY_MAX_BYTES = 1024 * 1024;
const TEXT_MAX_CHARACTERS = 16 * 1024;
/** What a later attempt may not meet (RFC 9110, 15.5 and 15.6; RFC 6585, 4). */
const LATER = new Set([408, 425, 429, 502, 503, 504]);

/** Asks a script as a step and says what its answer means. A status of 400 or more is a failure. */
export async function stepOutcome(
  script: CgiScript,
  asked: ScriptRequest,
  documents: string,
  call: StepCall,
): Promise<StepOutcome> {
  const { request, body } = stepRequest(script.name, asked, call);
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  let head: ResponseHead | null = null;
  const tooMuch = new AbortController();
  const end = await runScript(
    {
      file: script.file,
      args: searchWords(request.method, request.query),
      env: metaVariables(request, { file: script.file, documents, env: script.env }),
      input: body,
      timeoutMs: call.timeoutMs,
      limits: script.limits,
      nonParsed: false,
    },
    {
      signal: AbortSignal.any([call.signal, tooMuch.signal]),
      onHead(given) {
        head = given;
      },
      onBody(piece) {
        bytes += piece.length;
        if (bytes > BODY_MAX_BYTES) tooMuch.abort();
        else pieces.push(piece);
      },
      onLog: line => call.log(line),
    },
  );
  if (bytes > BODY_MAX_BYTES)
    return terminal('COAX_STEP_OUTPUT', `${script.name} answered more than ${BODY_MAX_BYTES} bytes`);
  return outcomeOfAnswer(script, asked, call, { end, head, body: Buffer.concat(pieces) });
}

interface Answer {
  readonly end: ScriptEnd;
  readonly head: ResponseHead | null;
  readonly body: Buffer;
}

function outcomeOfAnswer(
  script: CgiScript,
  asked: ScriptRequest,
  call: StepCall,
  answer: Answer,
): StepOutcome {
  const { end, head, body } = answer;
  // Killed, out of time, called off, not started: as for any other program.
  if (end.process.cause !== 'exit' && end.kind !== 'answered' && !isFaultOfHead(end))
    return outcomeOf({ ...end.process, stdout: new Uint8Array(0) }, call, null);
  if (head === null || end.kind !== 'answered')
    return terminal('COAX_STEP_OUTPUT', `${script.name}: ${end.reason}`);
  if (head.kind === 'local')
    return terminal(
      'COAX_STEP_OUTPUT',
      `${script.name} sends to ${head.location}, where a step does not follow`,
    );
  const detail = detailOf(head, end);
  if (head.status >= 400) return refused(script, head, body, end, detail);
  const read = call.mode === 'rollback' ? { object: {} } : outputOf(asked, head, body);
  if ('fault' in read) return terminal('COAX_STEP_OUTPUT', `${script.name}: ${read.fault}`, detail);
  return { kind: 'ok', set: read.object, detail, ...logOf(end) };
}

/** It was ended by us since what it wrote is no head. */
function isFaultOfHead(end: ScriptEnd): boolean {
  return end.kind === 'broken' && end.process.cause === 'aborted';
}

function outputOf(asked: ScriptRequest, head: ResponseHead, body: Buffer): ReturnType<typeof readOutput> {
  if (isJson(head)) return readOutput(body);
  if (asked.into === undefined) return { object: {} };
  return {
    object: { [asked.into]: body.toString('utf8').trim().slice(0, TEXT_MAX_CHARACTERS).toWellFormed() },
  };
}

function refused(
  script: CgiScript,
  head: ResponseHead,
  body: Buffer,
  end: ScriptEnd,
  detail: { readonly [name: string]: Json },
): StepOutcome {
  const said = saidOf(head, body);
  const error: StepError = {
    code: said.code ?? `CGI_STATUS_${head.status}`,
    reason: `${script.name} answered ${head.status}${said.reason === undefined ? '' : `: ${said.reason}`}`
      .slice(0, REASON_LENGTH_MAX)
      .toWellFormed(),
    detail,
    ...logOf(end),
  };
  if (!LATER.has(head.status)) return { kind: 'terminal', error };
  const seconds = Number(
    head.headers.find(([name]) => name.toLowerCase() === 'retry-after')?.[1] ?? Number.NaN,
  );
  return seconds >= 0
    ? { kind: 'retryable', error, retryAfterMs: Math.ceil(seconds * 1000) }
    : { kind: 'retryable', error };
}

/** What the answer says of the failure: a problem (RFC 9457), `{error: {code, reason}}`, or the first line of its text. */
function saidOf(head: ResponseHead, body: Buffer): { code?: string; reason?: string } {
  if (isJson(head)) {
    const read = readOutput(body);
    if (!('object' in read)) return {};
    const said = (read.object.error ?? read.object) as { readonly [name: string]: Json } | string | null;
    if (typeof said !== 'object' || said === null) return typeof said === 'string' ? { reason: said } : {};
    const { code } = said;
    const reason = [said.reason, said.detail, said.message, said.title].find(
      text => typeof text === 'string',
    );
    return {
      ...(typeof code === 'string' && /^[A-Za-z0-9_.-]{1,64}$/.test(code) ? { code } : {}),
      ...(typeof reason === 'string' ? { reason } : {}),
    };
  }
  const isText = head.contentType?.toLowerCase().startsWith('text/plain') === true;
  const line = isText ? body.toString('utf8').trim().split('\n', 1)[0] : head.statusText;
  return line ? { reason: line } : {};
}

function isJson(head: ResponseHead): boolean {
  return /^application\/(?:[\w.-]+\+)?json\b/i.test(head.contentType ?? '');
}

function detailOf(head: ResponseHead, end: ScriptEnd): { readonly [name: string]: Json } {
  const { use, code } = end.process;
  return {
    status: head.status,
    type: head.contentType,
    ...(head.location === null ? {} : { location: head.location }),
    exit: code,
    wallMs: use.wallMs,
    cpuMs: use.cpuMs,
    maxRssKib: use.maxRssKib,
    ...(use.memoryPeakKib !== null && { memoryPeakKib: use.memoryPeakKib }),
  };
}

function logOf(end: ScriptEnd): { log?: string } {
  return end.process.stderr === '' ? {} : { log: end.process.stderr };
}
