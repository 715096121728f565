import { z } from 'zod';
import { pageOf, Time } from '../value.ts';

export const SecretKeyId = z
  .string()
  .regex(/^[0-9a-f]{16}$/, 'give the 16 hex digits of a key id')
  .meta({ description: 'Digest of the key; the key itself is never shown.', examples: ['3f0c9a1be2d47c58'] });

export const SecretKeyView = z
  .object({
    id: SecretKeyId,
    created: Time,
    newest: z.boolean().meta({ description: 'New secrets are sealed with it.' }),
    here: z.boolean().meta({ description: 'The server that answers has it.' }),
    messages: z.int().meta({
      description: 'Messages that may still need it: not rolled back, not archived, and sealed with it.',
    }),
  })
  .meta({ id: 'SecretKey', description: 'A key that secrets are sealed with.' });
export type SecretKeyView = z.infer<typeof SecretKeyView>;

export const SecretKeyList = pageOf(SecretKeyView, 'SecretKeyList');
export type SecretKeyList = z.infer<typeof SecretKeyList>;
export const SecretKeyPath = z.object({ id: SecretKeyId });
