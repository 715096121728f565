import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeApi } from '../../src/access/describe/describe-api.ts';

/** Writes docs/reference/openapi.json anew. */
const folder = join(import.meta.dirname, '../../docs/reference');
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'openapi.json'), await describeApi());
