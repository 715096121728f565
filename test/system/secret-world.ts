import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import type { MessageView } from '../../src/api/message.ts';
import type { Client } from '../../src/client/client.ts';
import { exec } from '../../src/linux/process/exec.ts';
import { Processes, type Program, until } from './process-fixture.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
/** Each value has a core that stands nowhere else. */
export const SECRETS = {
  password: 'Zq8vKw3xTn7 "ü/\\&+',
  changed: 'Lm5rYc2jHb9-changed',
  member: 'Pd6wGf4sNx1-member',
  token: 'Uk3hBv8qRz5-token',
};
const CORES = Object.values(SECRETS).map(secret => secret.slice(0, 11));
export const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

const FLOW = `name: make_user
parameters:
  user: {type: string}
  proof: {type: string, description: folder where steps prove what they were given}
  password: {type: string, minLength: 8, secret: true}
  members: {type: array, items: {type: object, properties: {name: {type: string}, key: {type: string, secret: true}}}}
  fail: {type: string, default: ''}
steps:
  - {do: vault put, timeout: 30s}
  - typed use
  - {do: remote use, timeout: 30s}
  - {each: members, as: one, collect: made, steps: [{do: vault member, timeout: 30s}]}
  - {do: vault blind, timeout: 30s}
  - typed last
`;

/** Says what it has in every way that a program has, and proves by a digest what it was given. */
const PUT = `#!/usr/bin/env python3
import sys, os, json, base64, hashlib, urllib.parse
call = json.load(sys.stdin)
p, out = call['parameters'], call['output']
who = sys.argv[0].split('/')[-1] + '-' + call['mode']
given = p.get('password') or p.get('one', {}).get('key') or ''
with open(os.path.join(p['proof'], who), 'a') as file:
    file.write(hashlib.sha256(given.encode()).hexdigest()[:16] + ' ' + hashlib.sha256(str(out.get('token')).encode()).hexdigest()[:16] + '\\n')
print('given', given, base64.b64encode(('user:' + given).encode()).decode(), urllib.parse.quote(given), json.dumps(given), file=sys.stderr)
if p.get('fail') == who:
    print(json.dumps({'error': {'code': 'NO', 'reason': 'refused ' + given, 'detail': {'tried': [given]}}}))
    sys.exit(1)
if p.get('fail') == who + '-text':
    print('not JSON ' + 'x' * 30 + given)
    sys.exit(0)
if who == 'put-do':
    print(json.dumps({'token': '${SECRETS.token}', 'dsn': 'db://u:' + urllib.parse.quote(given) + '@h', 'plain': 'visible'}))
elif call['mode'] == 'do':
    print(json.dumps({who.split('-')[0] + '_done': True}))
`;
const BLIND = `#!/bin/sh
read -r input
[ "$COAX_MODE" = do ] && { env; echo "$input"; } > "$COAX_PARAM_PROOF/blind"
echo '{}'
`;
const DECLARED = `actions:
  put:
    input: {proof: {type: string}, password: {type: string}, fail: {type: string}}
    output: {token: {type: string, secret: true}, dsn: {type: string}, plain: {type: string}}
  member:
    input: {proof: {type: string}, one: {type: object}, fail: {type: string}}
`;
const REMOTE = `actions:
  use:
    input: {proof: {type: string}, password: {type: string}, token: {type: string}, fail: {type: string}}
`;
const TYPED = `import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { defineModule } from '${REPOSITORY}/src/index.ts';
import { z } from '${REPOSITORY}/node_modules/zod/index.js';
const input = z.object({ proof: z.string(), password: z.string(), token: z.string(), dsn: z.string(), fail: z.string() });
export const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16);
const prove = (name: string, given: z.infer<typeof input>) =>
  appendFileSync(given.proof + '/' + name, [given.password, given.token, given.dsn].map(digest).join(' ') + '\\n');
export default defineModule({
  name: 'typed',
  actions: {
    use: {
      input,
      output: z.object({ session: z.string().meta({ secret: true }), shown: z.string() }),
      do(given, call) {
        prove('typed', given);
        call.log('using ' + given.password + ' and ' + given.token);
        call.detail({ with: given.password });
        return { session: 'session of ' + given.token, shown: 'fine' };
      },
      undo(given, output, call) {
        prove('typed-undo', given);
        call.log('undoing ' + given.password + ' ' + output.session);
      },
    },
    last: {
      input,
      output: z.object({}),
      do(given, call) {
        if (given.fail === 'last') throw new Error('cannot: ' + given.password + ' of ' + given.dsn);
        call.log(Buffer.from(given.password).toString('base64'));
        return {};
      },
      undo() {},
    },
  },
});
`;

function writeWorld(processes: Processes): void {
  for (const [folder, name, text] of [
    ['mods/vault', 'module.yaml', DECLARED],
    ['mods', 'typed.ts', TYPED],
    ['remote/remote', 'module.yaml', REMOTE],
    ['flows', 'make_user.yaml', FLOW],
  ] as const) {
    mkdirSync(processes.path(folder), { recursive: true });
    writeFileSync(join(processes.path(folder), name), text);
  }
  processes.action('mods', 'vault', 'put', PUT);
  processes.action('mods', 'vault', 'member', PUT);
  processes.action('mods', 'vault', 'blind', BLIND);
  processes.action('remote', 'remote', 'use', PUT);
}

/** Every form in which a core may stand in bytes. */
function formsOf(core: string): string[] {
  const inBase64 = [0, 1, 2].map(before => {
    const text = Buffer.concat([Buffer.alloc(before), Buffer.from(core)]).toString('base64');
    return text.slice(4, Math.floor(((before + core.length) * 8) / 6) - 1);
  });
  return [core, ...inBase64, Buffer.from(core).toString('hex')];
}
const FORMS = CORES.flatMap(formsOf);

export const found = (where: string, text: Buffer | string): string[] => {
  const bytes = Buffer.from(text);
  return FORMS.filter(form => bytes.includes(form)).map(form => `${form} in ${where}`);
};

function unpacked(bytes: Buffer): Buffer[] {
  return [gunzipSync, inflateSync, zstdDecompressSync].flatMap(unpack => {
    try {
      return [unpack(bytes)];
    } catch {
      return [];
    }
  });
}

export function searchFolder(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap(entry => {
    if (!entry.isFile()) return [];
    const path = join(entry.parentPath, entry.name);
    const bytes = readFileSync(path);
    return [bytes, ...unpacked(bytes)].flatMap(part => found(path, part));
  });
}

/** A server, a worker over HTTP, and all that was said by them and by the command line. */
export class SecretWorld {
  readonly processes = new Processes();
  readonly said: string[] = [];
  readonly #events = new AbortController();
  #heard: Promise<string> = Promise.resolve('');
  url = '';
  token = '';
  client!: Client;
  server!: Program;
  remote!: Program;

  async open(env: Record<string, string>): Promise<void> {
    const { processes } = this;
    writeWorld(processes);
    const folders = ['--modules', processes.path('mods'), '--flows', processes.path('flows')];
    const { program, url, token, client } = await processes.server('data', folders, env);
    Object.assign(this, { server: program, url, token, client });
    this.remote = processes.coax('worker', ['worker', '--modules', processes.path('remote')], {
      COAX_URL: url,
      COAX_TOKEN: token,
    });
    this.#heard = listen(url, token, this.#events.signal);
    await until('the worker is there', async () =>
      (await client.workers()).items.some(worker => worker.role === 'http'),
    );
  }

  /** Runs a verb and notes what it says. */
  async cli(args: readonly string[], input = ''): Promise<string> {
    const flags = ['--disable-warning=ExperimentalWarning', join(REPOSITORY, 'src/cli/main.ts'), ...args];
    const { url, token, processes } = this;
    const ran = await exec(process.execPath, flags, {
      input,
      timeoutMs: 60_000,
      env: {
        PATH: process.env.PATH ?? '',
        HOME: processes.dir,
        COAX_URL: url,
        COAX_TOKEN: token,
        NO_COLOR: '1',
      },
    });
    this.said.push(ran.stdout, ran.stderr);
    return ran.stdout;
  }

  parameters(proof: string, fail = '') {
    mkdirSync(this.processes.path(proof), { recursive: true });
    return {
      user: 'ann',
      proof: this.processes.path(proof),
      password: SECRETS.password,
      members: [
        { name: 'bob', key: SECRETS.member },
        { name: 'cyd', key: SECRETS.member },
      ],
      fail,
    };
  }

  async run(proof: string, fail = ''): Promise<MessageView> {
    const { msgid } = await this.client.submit({
      flow: 'make_user',
      parameters: this.parameters(proof, fail),
    });
    return this.client.waitFor(msgid, { timeoutMs: 180_000 });
  }

  /** What steps proved that they were given. */
  proof(name: string, file: string): string {
    return readFileSync(join(this.processes.path(name), file), 'utf8').trim();
  }

  async untilIs(msgid: number, status: string): Promise<void> {
    await until(`${msgid} is ${status}`, async () => (await this.client.message(msgid)).status === status);
  }

  /** Ends all of it in order, and has the rest of what was said. */
  async close(): Promise<void> {
    this.#events.abort();
    for (const program of [this.remote, this.server]) {
      program.signal('SIGTERM');
      await program.ended;
      this.said.push(program.output);
    }
    this.said.push(await this.#heard);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#events.abort();
    await this.processes[Symbol.asyncDispose]();
  }
}

export const auth = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

/** All that the stream of events says until it is ended. */
async function listen(url: string, token: string, signal: AbortSignal): Promise<string> {
  let text = '';
  try {
    const answer = await fetch(`${url}/v1/events`, { ...auth(token), signal });
    const decoder = new TextDecoder();
    for await (const chunk of answer.body!) text += decoder.decode(chunk, { stream: true });
  } catch {
    // The end of the test ends it.
  }
  return text;
}
