import type { Channel, Claim } from '../channel/channel.ts';
import type { Revealed } from '../channel/secrets.ts';
import { isCoaxError } from '../errors/coax-error.ts';
import type { ErrorCode } from '../errors/codes.ts';
import type { Message } from '../message/message.ts';
import type { StepOutcome } from '../message/outcome.ts';
import { outputOf, parametersOf, parametersToUndo } from '../message/parameters.ts';
import { sealedNames } from '../message/secret/sealed.ts';
import type { Action } from '../step/contract.ts';

/**
 * `revealed`: null when the message holds no secret at all. `failed`: the step is not begun, and this is what it came to. `lost`:
 * another worker has it, or will.
 */
export type Secrets =
  | { readonly kind: 'open'; readonly revealed: Revealed | null }
  | { readonly kind: 'failed'; readonly outcome: StepOutcome }
  | { readonly kind: 'lost' };

/** What the server says when the secrets cannot be opened, whoever asks. */
const KEYLESS: ReadonlySet<ErrorCode> = new Set([
  'COAX_SECRET_KEY_MISSING',
  'COAX_SECRET_KEY_FILE',
  'COAX_SECRET_BROKEN',
]);

const NO_SECRETS: Secrets = { kind: 'open', revealed: null };
const NONE_FOR_IT: Secrets = { kind: 'open', revealed: { parameters: {}, output: {} } };

/**
 * The secrets that an action is to have: those among the step's parameters that its declared input names, and of an undo what
 * the step itself had set. An action that declares no input is given none. Most messages have none, which costs a look.
 */
export function secretsFor(channel: Channel, claim: Claim, action: Action): Secrets | Promise<Secrets> {
  return mayHoldSecrets(claim.message) ? opened(channel, claim, action) : NO_SECRETS;
}

async function opened(channel: Channel, claim: Claim, action: Action): Promise<Secrets> {
  const { message } = claim;
  const undoing = message.mode === 'rollback';
  const parameters = undoing ? parametersToUndo(message, message.cursor) : parametersOf(message);
  const declared = namesOf(action.input);
  const names = sealedNames(parameters).filter(name => declared.includes(name));
  const own = undoing && sealedNames(outputOf(message, message.cursor)).length > 0;
  if (names.length === 0 && !own) return NONE_FOR_IT;
  try {
    const revealed = await channel.reveal(claim, names);
    return revealed === null ? { kind: 'lost' } : { kind: 'open', revealed };
  } catch (error) {
    if (isCoaxError(error) && KEYLESS.has(error.code))
      return { kind: 'failed', outcome: notBegun(error.code, error.reason, undoing) };
    // Nobody answers: the step is left to whoever can ask.
    await channel.release([claim], false);
    throw error;
  }
}

/** Cheaper than to know: whether any was there ever. */
export function mayHoldSecrets({ base, trail }: Message): boolean {
  if (sealedNames(base).length > 0) return true;
  for (const entry of trail)
    if (sealedNames('edit' in entry ? entry.edit : entry.set).length > 0) return true;
  return false;
}

function namesOf(schema: object | null): readonly string[] {
  return schema !== null && 'properties' in schema ? Object.keys(schema.properties as object) : [];
}

/** Another worker may have the key; an undo was not begun either, but what it would undo was. */
function notBegun(code: string, reason: string, undoing: boolean): StepOutcome {
  return { kind: 'retryable', error: undoing ? { code, reason } : { code, reason, begun: false } };
}
