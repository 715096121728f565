import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readConfig } from '../config-file/read-config.ts';
import { CoaxError, textOf } from '../errors/coax-error.ts';
import { parseDuration } from '../flow/duration.ts';
import type { ProcessLimits } from '../linux/process/process-spec.ts';
import { isParameterName } from '../message/limits.ts';
import { limitsSchema } from '../step/executable/limits.ts';

/** The file that says how the scripts of its folder are served; never served itself. */
export const SETTINGS_FILE = 'cgi.yaml';

/** Who may ask for a script. `anyone`: no token is asked for. */
const NEEDS = ['anyone', 'view', 'operate', 'admin'] as const;
export type ScriptNeeds = (typeof NEEDS)[number];

const MIB = 1024 * 1024;
const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== null && ms > 0) return ms;
  context.addIssue(`${JSON.stringify(text)} is no length of time such as 30s or 5m`);
  return z.NEVER;
});
const environment = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'no name of a variable'),
  z.string().refine(text => !text.includes('\0'), 'has a NUL'),
);
const path = z.string().regex(/^\/[^\0]*$/, 'an absolute path is wanted');

const stepSchema = z.strictObject({
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('POST'),
  send: z.enum(['form', 'json', 'query']).default('form'),
  path: path.default(''),
  /** Names of the parameters that are sent; all if absent. */
  parameters: z.array(z.string()).optional(),
  /** The parameter that an answer which is not JSON becomes. */
  into: z.string().refine(isParameterName, 'no name of a parameter').optional(),
});
/** How a step asks a script: method, where its parameters stand, PATH_INFO, what its answer becomes. */
export type ScriptRequest = z.output<typeof stepSchema>;

const scriptSchema = z.strictObject({
  about: z.string().optional(),
  needs: z.enum(NEEDS).optional(),
  timeout: duration.optional(),
  limits: limitsSchema.optional(),
  env: environment.optional(),
  step: stepSchema
    .extend({
      /** How the step is undone: another request, to another script if `script` names one; `none`: nothing to undo. */
      undo: z.union([z.literal('none'), stepSchema.extend({ script: z.string().optional() })]).optional(),
    })
    .optional(),
});

const settingsSchema = z.strictObject({
  needs: z.enum(NEEDS).default('operate'),
  timeout: duration.default(60_000),
  /** What a script may use; a script's own `limits` stand in their place. */
  limits: limitsSchema.optional(),
  /** The folder that PATH_TRANSLATED and DOCUMENT_ROOT speak of. */
  documents: path.optional(),
  env: environment.default({}),
  running: z.int().min(1).max(1000).default(32),
  waiting: z.int().min(0).max(10_000).default(256),
  bodyMib: z.int().min(0).max(16_384).default(64),
  scripts: z.record(z.string(), scriptSchema).default({}),
});

export interface ScriptStep extends ScriptRequest {
  readonly undo?: 'none' | (ScriptRequest & { readonly script?: string | undefined }) | undefined;
}

/** How one script is served. */
export interface ScriptSettings {
  readonly about: string;
  readonly needs: ScriptNeeds;
  readonly timeoutMs: number;
  readonly limits?: ProcessLimits | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly step: ScriptStep;
}

/** How the scripts of a folder are served. */
export interface CgiSettings {
  /** Who may learn that there is no such script. */
  readonly needs: ScriptNeeds;
  readonly documents: string;
  /** Scripts that run at one time, and requests that wait beside. */
  readonly running: number;
  readonly waiting: number;
  readonly bodyMaxBytes: number;
  /** Names that have settings of their own. */
  readonly named: readonly string[];
  of(script: string): ScriptSettings;
}

/** Reads the settings of a folder; what it does not say has its usual value. Errors: COAX_USAGE with the place. */
export function readSettings(dir: string): CgiSettings {
  const file = join(dir, SETTINGS_FILE);
  const { scripts, bodyMib, documents = dir, running, waiting, ...usual } = parseSettings(file);
  const usualStep = stepSchema.parse({});
  return {
    documents,
    needs: usual.needs,
    running,
    waiting,
    bodyMaxBytes: bodyMib * MIB,
    named: Object.keys(scripts),
    of(script) {
      const own = Object.hasOwn(scripts, script) ? scripts[script]! : {};
      return {
        about: own.about ?? '',
        needs: own.needs ?? usual.needs,
        timeoutMs: own.timeout ?? usual.timeout,
        limits: own.limits ?? usual.limits,
        env: { ...usual.env, ...own.env },
        step: own.step ?? usualStep,
      };
    },
  };
}

function parseSettings(file: string): z.output<typeof settingsSchema> {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw wrong(file, file, textOf(error));
  }
  const config = readConfig(text, file, settingsSchema);
  if ('value' in config) return config.value;
  const [{ where, reason }] = config.faults;
  throw wrong(file, where, reason);
}

function wrong(file: string, where: string, reason: string): CoaxError {
  return new CoaxError('COAX_USAGE', `${file} cannot be used: ${reason}`, {
    where,
    hint: 'docs/how-to/cgi.md explains what it may say.',
  });
}
