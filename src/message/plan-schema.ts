import { z } from 'zod';
import { RETRY_DEFAULT, TIMEOUT_DEFAULT_MS } from './backoff.ts';
import { isTolerance } from './group/tolerance.ts';
import {
  ATTEMPTS_MAX,
  EACH_LIMIT_DEFAULT,
  EACH_LIMIT_MAX,
  isParameterName,
  NAME,
  PLAN_STEPS_MAX,
  TIMEOUT_MAX_MS,
} from './limits.ts';

const name = z.string().regex(NAME, 'must be a name: small letters, digits, _ and -, a letter first');
const parameter = z.string().refine(isParameterName, 'must be the name of a parameter');
const length = z.int().min(1).max(TIMEOUT_MAX_MS);

const retrySchema = z.strictObject({
  attempts: z.int().min(1).max(ATTEMPTS_MAX).default(RETRY_DEFAULT.attempts),
  backoffMs: length.default(RETRY_DEFAULT.backoffMs),
  factor: z.number().min(1).max(100).default(RETRY_DEFAULT.factor),
  backoffMaxMs: length.default(RETRY_DEFAULT.backoffMaxMs),
  terminal: z.array(z.string().min(1).max(128)).max(100).default([]),
});

const actionStepSchema = z.strictObject({
  module: name,
  action: name,
  at: parameter.optional(),
  timeoutMs: length.default(TIMEOUT_DEFAULT_MS),
  retry: retrySchema.default(RETRY_DEFAULT as z.output<typeof retrySchema>),
  code: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits')
    .optional(),
});

const tolerant = {
  tolerate: z
    .union([z.number(), z.string()])
    .refine(isTolerance, 'must be a whole number, a share such as "5%", or the name of a parameter')
    .optional(),
  failed: parameter.optional(),
};

const allStepSchema = z.strictObject({
  get all() {
    return z
      .array(z.strictObject({ name: parameter.optional(), steps: stepsSchema }))
      .min(1)
      .max(PLAN_STEPS_MAX);
  },
  ...tolerant,
});

const eachStepSchema = z.strictObject({
  each: parameter,
  as: parameter.default('item'),
  limit: z.int().min(1).max(EACH_LIMIT_MAX).default(EACH_LIMIT_DEFAULT),
  collect: parameter.optional(),
  ...tolerant,
  get steps() {
    return stepsSchema;
  },
});

/** A step of a plan as JSON: `{module, action, …}`, `{all: […]}` or `{each, …}`. Defaults are filled in. */
const stepSchema: z.ZodType = z.lazy(() => z.union([actionStepSchema, allStepSchema, eachStepSchema]));
const stepsSchema = z.array(stepSchema).min(1).max(PLAN_STEPS_MAX);

export const planSchema = z.strictObject({ steps: stepsSchema });
