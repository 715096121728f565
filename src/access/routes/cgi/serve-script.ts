import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CgiFolder } from '../../../cgi/cgi-folder.ts';
import { metaVariables, searchWords } from '../../../cgi/meta-variables.ts';
import { isNonParsed, runScript, type ScriptEnd } from '../../../cgi/run-script.ts';
import type { ScriptPath } from '../../../cgi/script-path.ts';
import type { CgiSettings } from '../../../cgi/settings.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import type { Mark } from '../../admission/admit.ts';
import type { RouteContext } from '../../app.ts';
import { withStatus } from '../../problem.ts';
import { CGI_PREFIX, cgiRequestOf, type Target } from './cgi-request.ts';
import { type RequestBody, takeBody } from './request-body.ts';
import { ScriptAnswer } from './script-answer.ts';

/** Scripts under way when the server stops may take so long. */
const CLOSING_MS = 10_000;

/** One request of a script, or of a script that another one sent it to. */
export interface Asked {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly method: string;
  readonly target: Target;
  /** What the script that sent it here was asked for; null if none did. */
  readonly sentFrom: string | null;
}

/** Serves scripts. */
export class ScriptServer {
  readonly #folder: CgiFolder;
  readonly #context: RouteContext;
  readonly #spool: string;

  constructor(folder: CgiFolder, context: RouteContext, dataDir: string) {
    this.#folder = folder;
    this.#context = context;
    this.#spool = join(dataDir, 'cgi');
    // What a server that was killed has left.
    rmSync(this.#spool, { recursive: true, force: true });
  }

  /** What a request must show for the script that it names; for none, what it must show to learn that there is none. */
  markOf(target: Target): Mark {
    const found = this.#folder.find(target.path);
    const { settings } = this.#folder;
    const { needs }: Pick<CgiSettings, 'needs'> =
      typeof found === 'string' ? settings : settings.of(found.name);
    return needs === 'anyone' ? { opens: 'anyone' } : { needs, scope: 'installation' };
  }

  /**
   * Runs the script that is asked for and sends on what it answers; gives where on this server the answer really is, if the
   * script said so. Errors, before anything was sent: COAX_NOT_FOUND, COAX_FORBIDDEN, COAX_RATE, COAX_MESSAGE_TOO_LARGE, COAX_CGI_FAILED, COAX_CGI_TIMEOUT.
   */
  async serve(asked: Asked): Promise<string | null> {
    const { reply, target } = asked;
    const found = this.#folder.find(target.path);
    const { settings } = this.#folder;
    if (typeof found === 'string') throw noScript(found, target.path);
    const left = this.#leaves(reply);
    const body = await this.#bodyOf(asked, settings.bodyMaxBytes);
    try {
      const giveBack = await this.#folder.slots.take(settings, left.signal);
      try {
        return await this.#run(asked, found, body, left.signal);
      } finally {
        giveBack();
      }
    } finally {
      left.close();
      await body.free();
    }
  }

  async #bodyOf({ request, sentFrom }: Asked, maxBytes: number): Promise<RequestBody> {
    // Whoever is sent on is sent with a GET: the body was the first script's.
    if (sentFrom !== null) return { bytes: null, input: new Uint8Array(0), free: async () => {} };
    return takeBody(request.raw, maxBytes, this.#spool);
  }

  async #run(
    asked: Asked,
    script: ScriptPath,
    body: RequestBody,
    signal: AbortSignal,
  ): Promise<string | null> {
    const { request, reply, method, target } = asked;
    const { settings } = this.#folder;
    const { env, timeoutMs, limits } = settings.of(script.name);
    const answer = new ScriptAnswer(request, reply, this.#context.closing.aborted);
    const nonParsed = isNonParsed(script.name);
    const cgiRequest = cgiRequestOf(request, {
      method,
      target,
      script,
      bodyBytes: body.bytes,
      version: this.#context.services.version,
    });
    let begunRaw = false;
    const end = await runScript(
      {
        file: script.file,
        args: searchWords(method, target.query),
        env: {
          ...metaVariables(cgiRequest, { file: script.file, documents: settings.documents, env }),
          ...redirected(asked.sentFrom),
        },
        input: body.input,
        timeoutMs,
        limits,
        nonParsed,
      },
      {
        signal,
        onHead: head => answer.begin(head),
        onBody: piece => {
          if (nonParsed) begunRaw ||= answer.beginRaw();
          return nonParsed && !begunRaw ? undefined : answer.write(piece);
        },
        onLog: line => request.log.warn({ script: script.name, reqId: request.id }, line),
      },
    );
    if (end.kind !== 'answered' || end.process.code !== 0)
      request.log.warn({ script: script.name, reqId: request.id, end: end.kind }, end.reason);
    if (!end.begun || (nonParsed && !begunRaw)) {
      signal.throwIfAborted();
      throw errorOf(end, script.name);
    }
    if (end.kind === 'answered') answer.end();
    else if (answer.localRedirect === null) answer.cut();
    return answer.localRedirect;
  }

  /** Aborts when the client is gone, and some time after the server began to close. */
  #leaves(reply: FastifyReply): { signal: AbortSignal; close(): void } {
    const { closing } = this.#context;
    const controller = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const onClose = (): void => {
      if (!reply.raw.writableFinished)
        controller.abort(new CoaxError('COAX_CGI_FAILED', 'the client is gone'));
    };
    const onClosing = (): void => {
      timer = setTimeout(
        () => controller.abort(new CoaxError('COAX_NOT_READY', 'the server stops', { retryAfterMs: 1000 })),
        CLOSING_MS,
      );
    };
    reply.raw.once('close', onClose);
    if (closing.aborted) onClosing();
    else closing.addEventListener('abort', onClosing, { once: true });
    const close = (): void => {
      clearTimeout(timer);
      reply.raw.off('close', onClose);
      closing.removeEventListener('abort', onClosing);
    };
    return { signal: controller.signal, close };
  }
}

/** What Apache tells a script that another one sent the request to; php-cgi runs only if it is there. */
function redirected(from: string | null): Record<string, string> {
  return from === null ? {} : { REDIRECT_STATUS: '200', REDIRECT_URL: from };
}

function noScript(why: 'missing' | 'forbidden', path: string): CoaxError {
  const where = `${CGI_PREFIX}${path}`;
  const hint = '`coax cgi ls` lists the scripts.';
  return why === 'missing'
    ? new CoaxError('COAX_NOT_FOUND', `there is no script ${where}`, { where, hint })
    : new CoaxError('COAX_FORBIDDEN', `${where} is no script that may be run`, {
        where,
        hint: 'A script is an executable file in the folder (chmod +x), and no link out of it.',
      });
}

function errorOf(end: ScriptEnd, script: string): CoaxError {
  if (end.kind === 'late') return new CoaxError('COAX_CGI_TIMEOUT', end.reason, { where: script });
  // What the script itself wrote may be meant for nobody but its owner: it is in the log.
  return withStatus(new CoaxError('COAX_CGI_FAILED', end.reason, { where: script }), 502);
}
