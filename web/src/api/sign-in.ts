import { useQuery } from '@tanstack/react-query';
import type { SignInMethods } from '../../../src/api/access/identity.ts';
import { cache } from './cache.ts';
import { get, post } from './request.ts';
import { heardFarewell, heardWelcome } from './session.ts';

/**
 * Trades a token for the session's cookie, which no script can read. Errors: RequestError; its problem's status is 401 when
 * the token is not known.
 */
export async function signIn(token: string): Promise<void> {
  await post('/auth/session', { token });
  // What somebody else saw in this page is not this person's.
  cache.clear();
  heardWelcome();
}

/**
 * Trades a ticket of `coax console` for the session's cookie. `instead`: of whoever else is signed in here. Errors: RequestError;
 * COAX_CONFLICT when somebody else is, and the ticket is still good.
 */
export async function signInByTicket(ticket: string, instead: boolean): Promise<void> {
  await post('/auth/ticket', { ticket, instead });
}

/** Ends the session of this browser. Errors: RequestError, and then it has not ended. */
export async function signOut(): Promise<void> {
  await post('/auth/logout', {});
  heardFarewell();
  cache.clear();
}

/** How people sign in here. */
export function useSignInMethods() {
  return useQuery({
    queryKey: ['sign-in-methods'],
    queryFn: ({ signal }) => get<SignInMethods>('/auth/methods', {}, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
}
