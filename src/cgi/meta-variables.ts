import { TOOL_PATH } from '../linux/process/exec.ts';

/** A request, as a script is to see it. */
export interface CgiRequest {
  readonly method: string;
  /** As the request line has it: path and query, encoded. */
  readonly target: string;
  /** `1.1` */
  readonly httpVersion: string;
  /** Name, value, name, value … as they came, in the letters of latin1. */
  readonly rawHeaders: readonly string[];
  /** Bytes of the body after any transfer coding was taken off; null if the request has no body. */
  readonly bodyBytes: number | null;
  /** Decoded. */
  readonly scriptName: string;
  readonly pathInfo: string;
  /** Still encoded, without the question mark. */
  readonly query: string;
  readonly server: {
    readonly name: string;
    readonly port: number;
    readonly address: string;
    readonly scheme: 'http' | 'https';
    readonly software: string;
  };
  readonly remote: { readonly address: string; readonly port: number | null };
  /** Who was let in, and by which scheme; null if nobody was asked. */
  readonly user: { readonly name: string; readonly scheme: string } | null;
}

/**
 * Never handed on (RFC 3875, 4.1.18): what shows who asks; what has a variable of its own; what is between client and
 * server. `Proxy` would become HTTP_PROXY, which programs take for a setting of theirs (CVE-2016-5385, "httpoxy").
 */
const NOT_HANDED_ON = new Set([
  'authorization',
  'proxy-authorization',
  'proxy',
  'content-length',
  'content-type',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'upgrade',
]);
/** Names with other characters could take the place of another header, as `X_Forwarded_For` would. */
const PLAIN_NAME = /^[A-Za-z0-9-]+$/;
/** Cookies of Coax's own are as good as a token. */
const OWN_COOKIE = /^(__Host-|__Secure-)?coax/i;

/** The environment of a script: the meta-variables of RFC 3875, section 4.1, and what Apache gives beside them. */
export function metaVariables(
  request: CgiRequest,
  script: {
    readonly file: string;
    readonly documents: string;
    readonly env: Readonly<Record<string, string>>;
  },
): Record<string, string> {
  const { server, remote, user, pathInfo } = request;
  const env: Record<string, string> = {
    PATH: TOOL_PATH,
    ...script.env,
    ...headerVariables(request.rawHeaders),
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_SOFTWARE: server.software,
    SERVER_NAME: server.name,
    SERVER_PORT: String(server.port),
    SERVER_ADDR: server.address,
    SERVER_PROTOCOL: `HTTP/${request.httpVersion}`,
    REQUEST_SCHEME: server.scheme,
    REQUEST_METHOD: request.method,
    REQUEST_URI: request.target,
    QUERY_STRING: request.query,
    SCRIPT_NAME: request.scriptName,
    SCRIPT_FILENAME: script.file,
    DOCUMENT_ROOT: script.documents,
    REMOTE_ADDR: remote.address,
    REMOTE_HOST: remote.address,
  };
  if (server.scheme === 'https') env.HTTPS = 'on';
  if (remote.port !== null) env.REMOTE_PORT = String(remote.port);
  if (pathInfo !== '') {
    env.PATH_INFO = pathInfo;
    env.PATH_TRANSLATED = script.documents.replace(/\/+$/, '') + pathInfo;
  }
  if (user !== null) {
    env.AUTH_TYPE = user.scheme;
    env.REMOTE_USER = user.name;
  }
  if (request.bodyBytes !== null) env.CONTENT_LENGTH = String(request.bodyBytes);
  const type = headerOf(request.rawHeaders, 'content-type');
  if (type !== null) env.CONTENT_TYPE = type;
  return env;
}

function headerVariables(raw: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at]!;
    const plain = name.toLowerCase();
    if (!PLAIN_NAME.test(name) || NOT_HANDED_ON.has(plain)) continue;
    const value = plain === 'cookie' ? foreignCookies(raw[at + 1]!) : utf8Of(raw[at + 1]!);
    if (value === null) continue;
    const variable = `HTTP_${name.toUpperCase().replaceAll('-', '_')}`;
    const before = found[variable];
    found[variable] = before === undefined ? value : `${before}${plain === 'cookie' ? '; ' : ', '}${value}`;
  }
  return found;
}

function foreignCookies(header: string): string | null {
  const kept = header.split(/;\s*/).filter(cookie => !OWN_COOKIE.test(cookie));
  return kept.length === 0 ? null : utf8Of(kept.join('; '));
}

function headerOf(raw: readonly string[], name: string): string | null {
  for (let at = 0; at + 1 < raw.length; at += 2)
    if (raw[at]!.toLowerCase() === name) return utf8Of(raw[at + 1]!);
  return null;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Node gives each byte as a letter of latin1; a script wants the bytes, and variables are written in UTF-8. */
function utf8Of(latin1: string): string {
  if (/^[ -~]*$/.test(latin1)) return latin1;
  try {
    return UTF8.decode(Buffer.from(latin1, 'latin1'));
  } catch {
    return latin1;
  }
}

/**
 * The words of an indexed query (RFC 3875, 4.4): a GET or HEAD whose query has no `=`. None when a word cannot be decoded.
 * No shell reads them, so nothing in them is escaped.
 */
export function searchWords(method: string, query: string): string[] {
  if ((method !== 'GET' && method !== 'HEAD') || query === '' || query.includes('=')) return [];
  try {
    const words = query.split('+').map(decodeURIComponent);
    return words.some(word => word.includes('\0')) ? [] : words;
  } catch {
    return [];
  }
}
