import { repeatSchema } from '../access/exchange/repeat-schema.ts';
import { cloudSchema } from '../cloud/schema.ts';
import { identitySchema } from '../identity/schema.ts';
import { repositorySchema } from '../package/repository/schema.ts';
import { secretSchema } from '../secret/schema.ts';
import { workersSchema } from '../store/workers.ts';
import { webhookSchema } from '../webhook/schema.ts';

/** The tables of all parts beside the store's own. A server and `coax store copy` must agree on them. */
export const installationSchema = [
  ...cloudSchema,
  ...workersSchema,
  ...repeatSchema,
  ...identitySchema,
  ...secretSchema,
  ...webhookSchema,
  ...repositorySchema,
] as const;
