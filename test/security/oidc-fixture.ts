import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOidcFile } from '../../src/identity/oidc/oidc-file.ts';
import { OidcLogin } from '../../src/identity/oidc/oidc-login.ts';
import { ROOT } from '../house/tree.ts';
import { openServed } from '../system/access-fixture.ts';

const SECRET = 'a-secret-of-the-client';

/** `more`: lines of the file of settings. A server of Coax, with its console if the folder of that is given, and the process of a provider that it takes logins from. */
export async function openWithProvider(console?: string, devices = true, more = '') {
  const provider: ChildProcess = fork(join(ROOT, 'test/security/oidc-provider.ts'), {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const [{ issuer }] = (await once(provider, 'message')) as [{ issuer: string }];
  const dir = mkdtempSync(join(tmpdir(), 'coax-oidc-'));
  writeFileSync(join(dir, 'secret'), `${SECRET}\n`);
  const settingsIn = (issuer: string, file: string) => {
    writeFileSync(
      join(dir, file),
      `name: Example
issuer: ${issuer}
clientId: coax
clientSecretFile: secret
cliClientId: coax-cli
groups: groups
roles:
  - {claim: groups, value: shop-dev, role: operator, project: shop}
${more}`,
    );
    return readOidcFile(join(dir, file));
  };
  const served = await openServed({
    oidc: new OidcLogin(settingsIn(issuer, 'oidc.yaml')),
    ...(console !== undefined && { console }),
  });
  const ready = once(provider, 'message');
  provider.send({ issuer, back: `${served.url}/auth/callback`, secret: SECRET, devices });
  await ready;
  return {
    served,
    issuer,
    settingsIn,
    /** What the provider says of somebody from now on; null: they are gone. */
    async change(login: string, claims: Record<string, unknown> | null): Promise<void> {
      const changed = once(provider, 'message');
      provider.send({ login, claims });
      await changed;
    },
    /** Ends the provider's process. */
    async endProvider(): Promise<void> {
      const ended = once(provider, 'exit');
      provider.kill();
      await ended;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await served[Symbol.asyncDispose]();
      provider.kill();
      rmSync(dir, { recursive: true });
    },
  };
}

export type WithProvider = Awaited<ReturnType<typeof openWithProvider>>;

/** A browser: cookies by origin, redirects followed one by one, forms sent as they stand. */
export class Browser {
  readonly #jars = new Map<string, Map<string, string>>();

  async get(url: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.#send(url, { headers });
  }

  /** The cookies of that origin, as the header has them. */
  cookies(url: string): string {
    return [...this.#jar(url)].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  setCookie(url: string, name: string, value: string): void {
    this.#jar(url).set(name, value);
  }

  cookie(url: string, name: string): string | undefined {
    return this.#jar(url).get(name);
  }

  /**
   * Logs in at the provider, from the address that Coax sent the person to; returns the one that they are sent back to. `back`
   * empty: to the page that says that a device is logged in.
   */
  async logIn(address: string, login: string, back: string): Promise<string> {
    let at = address;
    let answer = await this.#send(at, {});
    for (let step = 0; step < 20; step++) {
      const location = answer.headers.get('location');
      if (location !== null) {
        at = new URL(location, at).href;
        if (back !== '' && at.startsWith(back)) return at;
        answer = await this.#send(at, {});
        continue;
      }
      const page = await answer.text();
      const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1];
      if (action === undefined && back === '' && answer.ok) return at;
      if (action === undefined) throw new Error(`no form at ${at}: ${answer.status} ${page.slice(0, 500)}`);
      const body = new URLSearchParams(
        page.includes('name="login"') ? { prompt: 'login', login, password: 'x' } : { prompt: 'consent' },
      );
      // The code of a device is confirmed by what the form hides.
      for (const [, name, value] of page.matchAll(/name="(xsrf|user_code|confirm)" value="([^"]*)"/g))
        body.set(name!, value!);
      at = new URL(action.replaceAll('&amp;', '&'), at).href;
      answer = await this.#send(at, { method: 'POST', body });
    }
    throw new Error('the provider leads round in circles');
  }

  async #send(url: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.#jar(url).size > 0) headers.set('cookie', this.cookies(url));
    const answer = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '' || /max-age=0|expires=Thu, 01 Jan 1970/i.test(line)) this.#jar(url).delete(name);
      else this.#jar(url).set(name, value);
    }
    return answer;
  }

  #jar(url: string): Map<string, string> {
    const { origin } = new URL(url);
    const jar = this.#jars.get(origin) ?? new Map<string, string>();
    this.#jars.set(origin, jar);
    return jar;
  }
}
