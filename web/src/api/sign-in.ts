import { get, post, RequestError } from './request.ts';
import { heardUnauthorized, heardWelcome, holdToken } from './session.ts';

/**
 * Trades a token for the session's cookie, which no script can read. Errors: RequestError; its problem's status is 401 when
 * the token is not known.
 */
export async function signIn(token: string): Promise<void> {
  try {
    await post('/auth/session', { token });
  } catch (error) {
    if (!(error instanceof RequestError) || error.problem?.status !== 404) throw error;
    holdToken(token);
    await get('/v1/counts');
  }
  heardWelcome();
}

/** Ends the session of this browser. */
export async function signOut(): Promise<void> {
  holdToken(null);
  heardUnauthorized();
}
