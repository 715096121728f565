import type { Json, Parameters } from '../message/message.ts';
import type { StepCall } from '../step/contract.ts';
import type { CgiRequest } from './meta-variables.ts';
import type { ScriptRequest } from './settings.ts';

/** A step as the request that a script knows: its parameters as a form, as JSON or in the query. */
export function stepRequest(
  name: string,
  asked: ScriptRequest,
  call: StepCall,
): { request: CgiRequest; body: Buffer } {
  const given = chosen(asked, call);
  const inQuery = asked.send === 'query' || asked.method === 'GET';
  const form = formOf(given);
  const text = inQuery ? null : asked.send === 'json' ? JSON.stringify(given) : form;
  const type = asked.send === 'json' ? 'application/json' : 'application/x-www-form-urlencoded';
  const path = `/cgi-bin/${name}${asked.path}`;
  const query = inQuery ? form : '';
  const body = Buffer.from(text ?? '');
  const headers = [
    ['Host', 'localhost'],
    ['Accept', 'application/json, */*;q=0.5'],
    ['Idempotency-Key', call.key],
    ['X-Coax-Msgid', String(call.msgid)],
    ['X-Coax-Fence', String(call.fence)],
    ['X-Coax-Mode', call.mode === 'normal' ? 'do' : 'undo'],
    ...(text === null ? [] : [['Content-Type', type]]),
  ].flat() as string[];
  const request: CgiRequest = {
    method: asked.method,
    target: query === '' ? path : `${path}?${query}`,
    httpVersion: '1.1',
    rawHeaders: headers,
    bodyBytes: text === null ? null : body.length,
    scriptName: `/cgi-bin/${name}`,
    pathInfo: asked.path,
    query,
    server: { name: 'localhost', port: 80, address: '127.0.0.1', scheme: 'http', software: 'Coax' },
    remote: { address: '127.0.0.1', port: null },
    user: null,
  };
  return { request, body };
}

/** The parameters that the script is given; in an undo also what the step had set. */
function chosen({ parameters }: ScriptRequest, call: StepCall): Parameters {
  const all: Parameters = call.mode === 'normal' ? call.parameters : { ...call.parameters, ...call.output };
  if (parameters === undefined) return all;
  const names = new Set([...parameters, ...(call.mode === 'normal' ? [] : Object.keys(call.output))]);
  return Object.fromEntries(Object.entries(all).filter(([name]) => names.has(name)));
}

/** A list is a field for each of its values; null is none; what is no text stands there as JSON. */
function formOf(given: Parameters): string {
  const form = new URLSearchParams();
  const add = (name: string, value: Json): void =>
    form.append(name, typeof value === 'string' ? value : JSON.stringify(value));
  for (const [name, value] of Object.entries(given)) {
    if (value === null) continue;
    if (Array.isArray(value)) for (const one of value as Json[]) add(name, one);
    else add(name, value);
  }
  return form.toString();
}
