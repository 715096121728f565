import { cloudSchema } from '../cloud/schema.ts';

/** The tables of all parts beside the store's own. A server and `coax store copy` must agree on them. */
export const installationSchema = [...cloudSchema] as const;
