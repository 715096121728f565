import type { Store } from '../store/store.ts';
import { KeyFile } from './key-file.ts';
import { KeyRing } from './key-ring.ts';
import { MessageSecrets } from './message-secrets.ts';
import { GivenSecrets } from './seal-given.ts';
import { SecretBox } from './secret-box.ts';
import { SecretKeys } from './secret-keys.ts';

/** All that a process needs to keep secrets. */
export interface OpenSecrets {
  readonly box: SecretBox;
  readonly given: GivenSecrets;
  readonly ofMessages: MessageSecrets;
  readonly keys: SecretKeys;
}

/** The secrets of a store, with the keys of that file; makes the first key of an installation. Errors: COAX_SECRET_KEY_FILE. */
export async function openSecrets(store: Store, keyFile: string): Promise<OpenSecrets> {
  const file = new KeyFile(keyFile);
  const ring = new KeyRing(store, file);
  const keys = new SecretKeys(store, file, ring);
  await keys.open();
  const box = new SecretBox(ring);
  return { box, given: new GivenSecrets(box, ring), ofMessages: new MessageSecrets(box, ring), keys };
}
