/** Canonical JSON of a message's parameters, and of what one step sets: bytes of UTF-8. */
export const PARAMETERS_BYTES_MAX = 1024 * 1024;
/** Names in a message's parameters. */
export const PARAMETER_NAMES_MAX = 1000;
/** How deep JSON values may be nested; the parameters themselves are level 1. */
export const JSON_DEPTH_MAX = 32;

/** Steps of a plan, those inside groups counted. */
export const PLAN_STEPS_MAX = 1000;
/** How deep groups may lie in groups. */
export const GROUP_DEPTH_MAX = 8;
/** Children of one `each` under way at one time. */
export const EACH_LIMIT_MAX = 1000;
export const EACH_LIMIT_DEFAULT = 16;
/** One attempt of a step: 7 days. */
export const TIMEOUT_MAX_MS = 7 * 86_400_000;
export const ATTEMPTS_MAX = 1000;
/** Text of an error that is kept with a commit: UTF-16 code units. */
export const REASON_LENGTH_MAX = 4096;

/** Names of modules, actions and flows. */
export const NAME = /^[a-z][a-z0-9_-]{0,62}$/;
/** Names of parameters. */
export const PARAMETER_NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/;
const RESERVED = new Set(['__proto__', 'constructor', 'prototype']);

export function isParameterName(name: string): boolean {
  return PARAMETER_NAME.test(name) && !RESERVED.has(name);
}

/** The project that is always there; messages from before there were projects are its. */
export const DEFAULT_PROJECT = 'default';
/** Names of projects: as a label of DNS, so that one fits into any other name. */
export const PROJECT_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
export const PROJECT_NAME_FORM = 'give lower-case letters, digits and dashes between them, at most 63';
