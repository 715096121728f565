import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { OidcCli, SignInMethods } from '../../../api/access/identity.ts';
import { parseServers, type ServerAddress } from '../../../client/servers/servers.ts';
import { CoaxError, isCoaxError } from '../../../errors/coax-error.ts';
import { type Context, checkUrl } from '../../context.ts';
import { askSecret } from '../../login/ask-secret.ts';
import {
  type Contexts,
  changeContexts,
  checkName,
  contextNamed,
  contextOf,
  contextsFile,
  type Login,
  readContexts,
  type ServerContext,
} from '../../login/contexts.ts';
import { exchange, sessionLogin } from '../../login/login-source.ts';
import { openBrowser } from '../../login/open-browser.ts';
import { cell } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';
import { placeText } from '../access/where.ts';

interface LoginOptions {
  readonly name?: string;
  readonly withToken?: boolean;
  readonly browser?: boolean;
  readonly device?: boolean;
  readonly ca?: string;
}

/** What the person has proven to be. */
interface Proven {
  readonly login: Login;
  readonly actor: string;
  readonly roles: readonly { readonly project: string; readonly role: string }[];
}

/** Logs a person in at a server. */
export const verb = defineVerb<LoginOptions>({
  examples: [
    [
      'coax login https://coax.example.org',
      'by the provider of the server, or with a token that is typed unseen',
    ],
    ['coax login', 'again, where you were logged in last'],
    ['coax login https://coax.example.org --with-token < token', 'with a token of a file'],
    ['coax login https://coax.example.org --name prod --project web', 'as the context prod, for one project'],
  ],
  details: [
    'Where the server lets people log in by a provider of OpenID Connect, the browser asks you who you are: with a code that you type there (RFC 8628; the browser may be on any machine), else it comes back to this machine (RFC 8252). Else a token is asked for; nobody sees it.',
    'The login is kept for you alone (mode 0600) in ~/.config/coax/contexts.json, or where COAX_CONFIG says, and all verbs go to that server from then on. `coax context` changes between servers; `coax logout` ends the login. What the provider lets be renewed is renewed by itself.',
  ],
  args: [
    {
      name: '[url]',
      about: "The server's address, or several with commas between; without it that of the context",
    },
  ],
  options: [
    { flags: '--name <name>', about: 'Name of the context (else the host in the address)' },
    { flags: '--with-token', about: 'Ask for a token, or read one from standard input' },
    { flags: '--device', about: 'By a code that is typed in any browser (RFC 8628)' },
    { flags: '--browser', about: "By this machine's browser, which comes back here (RFC 8252)" },
    { flags: '--ca <file>', about: "Certificates (PEM) that the server's TLS is checked against" },
  ],
  async run(context, [address], options) {
    const { out } = context;
    const { name, url, ca } = serverFor(context, address, options);
    const { Transport } = await import('../../../client/transport.ts');
    const transport = new Transport({ url, token: '', ...(ca !== undefined && { ca }) });
    let proven: Proven;
    try {
      const methods = await transport.json<SignInMethods>({ method: 'GET', path: '/auth/methods' });
      const provider = providerFor(methods, options, url);
      proven =
        provider === null
          ? await byToken(await askSecret(`Token for ${url}: `), url, ca)
          : await byProvider(context, provider, url, ca, options);
    } finally {
      transport.close();
    }
    const { login, actor, roles } = proven;
    const project = context.globals.project;
    await changeContexts(before =>
      keep(before, name, { url, actor, login, ...(project && { project }), ...(ca && { ca }) }),
    );
    const expires = login.kind === 'session' ? login.expires : null;
    await out.object({ context: name, url, actor, roles, expires }, name, () => {
      out.line(`logged in to ${url} as ${cell(actor)}`);
      for (const { project: where, role } of roles) out.line(`  ${role}  ${cell(placeText(where))}`);
      out.hint(`kept as the context ${name} in ${contextsFile()}; all verbs go there now`);
    });
    return 0;
  },
});

/** Which server, under which name, and its certificates. */
function serverFor(
  { globals }: Context,
  address: string | undefined,
  options: LoginOptions,
): { name: string; url: string; ca: string | undefined } {
  const contexts = readContexts();
  const asked = address ?? globals.url;
  const known = asked === undefined ? (options.name ?? globals.context ?? contexts.current) : null;
  if (asked === undefined && known === null)
    throw new CoaxError('COAX_USAGE', 'at which server?', { hint: '`coax login https://coax.example.org`' });
  const url = known === null ? checkUrl(asked!, 'URL') : contextNamed(known, contexts).url;
  assertProtected(url);
  const name = checkName(options.name ?? known ?? contextOf(url, contexts)?.[0] ?? nameOf(url));
  const before = Object.hasOwn(contexts.contexts, name) ? contexts.contexts[name] : undefined;
  if (options.ca !== undefined && !existsSync(options.ca))
    throw new CoaxError('COAX_USAGE', 'the file of certificates is not there', { where: options.ca });
  const ca = options.ca === undefined ? before?.ca : resolve(options.ca);
  return { name, url, ca };
}

/** A login is not sent where others can read it. */
function assertProtected(url: string): void {
  const isOpen = ({ base: { protocol, hostname } }: ServerAddress): boolean =>
    protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
  const open = parseServers(url, 'URL').find(isOpen);
  if (open === undefined) return;
  throw new CoaxError('COAX_USAGE', 'whoever is on the way could read your login', {
    where: open.url,
    hint: 'Give an https address: a proxy in front of the server does TLS.',
  });
}

/** That of the first of several. */
function nameOf(urls: string): string {
  const { base, socketPath } = parseServers(urls, 'URL')[0]!;
  return socketPath === undefined ? base.host.replace(/[^\w.:-]/g, '') : 'socket';
}

/** The client that it logs in as; null: with a token. Errors: COAX_USAGE when there is no provider but one is asked for. */
function providerFor({ oidc }: SignInMethods, options: LoginOptions, url: string): OidcCli | null {
  if (options.withToken) return null;
  if (oidc?.cli) return oidc.cli;
  if (!options.device && !options.browser) return null;
  throw new CoaxError('COAX_USAGE', 'command lines do not log in by a provider there', {
    where: url,
    hint: '`coax login URL --with-token`; an admin gives `coax up --oidc` a file with cliClientId.',
  });
}

async function byToken(token: string, url: string, ca: string | undefined): Promise<Proven> {
  const { makeClient } = await import('../../../client/client.ts');
  const client = makeClient({ url, token, ...(ca !== undefined && { ca }) });
  try {
    const { actor, roles } = await client.access.whoami();
    return { login: { kind: 'token', token }, actor, roles };
  } catch (error) {
    if (!isCoaxError(error, 'COAX_AUTH_MISSING')) throw error;
    throw new CoaxError('COAX_AUTH_MISSING', 'the token is not known there', {
      where: url,
      hint: 'Is it whole, and for that server? It may be revoked, or have expired.',
    });
  } finally {
    client.close();
  }
}

async function byProvider(
  { out }: Context,
  cli: OidcCli,
  url: string,
  ca: string | undefined,
  options: LoginOptions,
): Promise<Proven> {
  const { Provider } = await import('../../login/provider.ts');
  const provider = await Provider.find(cli);
  // What the person must do is no hint: --quiet does not leave it out.
  const say = (line: string): void => void out.stderr.write(`${line}\n`);
  await using ways = new AsyncDisposableStack();
  const tell = (address: string, code: string | null): void => {
    say(`open  ${address}`);
    if (code !== null) say(`code  ${code}`);
    out.hint('waiting for you to log in there; Ctrl-C gives up');
    const way = openBrowser(address);
    ways.defer(async () => (await way)?.[Symbol.asyncDispose]());
  };
  const byDevice = options.device || (provider.hasDevices && !options.browser);
  const given = await (byDevice ? provider.byDevice(tell) : provider.byBrowser(tell));
  const made = await exchange(url, given, ca);
  const { issuer, clientId } = cli;
  const { refreshToken } = given;
  const login = sessionLogin(made, refreshToken === null ? null : { issuer, clientId, refreshToken });
  return { login, actor: made.actor, roles: made.roles };
}

const keep = ({ contexts }: Contexts, name: string, context: ServerContext): Contexts => ({
  current: name,
  contexts: { ...contexts, [name]: { ...contexts[name], ...context } },
});
