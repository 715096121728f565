import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AgentStatus } from '../../src/agent/agent-folder.ts';
import type { JoinTokenView } from '../../src/api/agent.ts';
import type { MessageView } from '../../src/api/message.ts';
import { type Client, makeClient } from '../../src/client/client.ts';
import { Transport } from '../../src/client/transport.ts';
import { namespaceName } from '../../src/cloud/network/host-wiring.ts';
import { exec } from '../../src/linux/process/exec.ts';
import type { Parameters } from '../../src/message/message.ts';
import { Processes, type Program, until } from '../system/process-fixture.ts';
import { Lan } from './lan.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** A server and hosts with agents, each on a machine of its own. Everything ends with it. */
export class Fleet implements AsyncDisposable {
  readonly processes = new Processes();
  readonly lan: Lan;
  readonly url: string;
  client!: Client;
  #transport!: Transport;
  #server!: Program;
  readonly #dataDirs: string[] = [];

  private constructor(lan: Lan, url: string) {
    this.lan = lan;
    this.url = url;
  }

  static async open(): Promise<Fleet> {
    const lan = await Lan.open();
    const fleet = new Fleet(lan, `http://${await lan.add('server')}:7411`);
    try {
      await fleet.startServer();
      return fleet;
    } catch (error) {
      await fleet[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A server that simulates its own four hosts; those with agents have the label fleet=yes. */
  async startServer(): Promise<void> {
    const listen = this.url.replace('http://', '');
    this.#server = this.coax('server', 'server', ['up', '--simulate', '--listen', listen, '--allow-remote']);
    await this.#server.says(/^server +http/m);
    const token = readFileSync(this.processes.path('server/token'), 'utf8').trim();
    this.client ??= makeClient({ url: this.url, token });
    this.#transport ??= new Transport({ url: this.url, token });
  }

  async stopServer(signal: NodeJS.Signals): Promise<void> {
    this.#server.signal(signal);
    await this.#server.ended;
  }

  /** `coax ARGS` on a machine. */
  coax(
    machine: string,
    data: string,
    args: readonly string[],
    env: Record<string, string> = {},
    before: readonly string[] = [],
  ): Program {
    const node = [process.execPath, '--disable-warning=ExperimentalWarning', MAIN, ...args];
    const [program, ...rest] = [...before, ...node];
    const [nsenter, words] = this.lan.on(machine, program!, rest);
    return this.processes.start(nsenter, words, {
      COAX_DATA: this.processes.path(data),
      COAX_CACHE: process.env.COAX_CACHE ?? join(process.env.HOME ?? '/root', '.cache/coax'),
      NO_COLOR: '1',
      ...env,
    });
  }

  async joinToken(host = '', replace = false): Promise<string> {
    const body = { host, replace };
    const path = '/v1/join-tokens';
    return (await this.#transport.json<JoinTokenView>({ method: 'POST', path, body })).token;
  }

  /** Joins that machine as a host of that name and waits until it is connected. */
  async join(
    machine: string,
    args: readonly string[] = [],
    env: Record<string, string> = {},
  ): Promise<Program> {
    this.#dataDirs.push(this.processes.path(machine));
    const token = await this.joinToken();
    const joining = ['--join', this.url, '--token', token, '--name', machine, '--label', 'fleet=yes'];
    return this.agent(machine, [...joining, ...args], env);
  }

  /** Starts the agent of a machine and waits until it is connected. */
  async agent(
    machine: string,
    args: readonly string[] = [],
    env: Record<string, string> = {},
    before: readonly string[] = [],
  ): Promise<Program> {
    const agent = this.coax(machine, machine, ['agent', ...args], env, before);
    await agent.says(/connected to/);
    return agent;
  }

  status(machine: string): AgentStatus | null {
    const file = this.processes.path(`${machine}/agent/status.json`);
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as AgentStatus) : null;
  }

  async run(flow: string, parameters: Parameters): Promise<MessageView> {
    const { msgid } = await this.client.submit({ flow, parameters });
    return this.client.waitFor(msgid);
  }

  /** A VM on a host that has an agent. */
  createVm(parameters: Parameters = {}): Promise<MessageView> {
    return this.run('create_vm', { cpu: 1, mem: 128, labels: { fleet: 'yes' }, ...parameters });
  }

  async hostState(name: string): Promise<string | undefined> {
    return (await this.client.hosts()).items.find(host => host.name === name)?.state;
  }

  async untilState(name: string, state: string): Promise<void> {
    await until(`host ${name} is ${state}`, async () => (await this.hostState(name)) === state);
  }

  /** Ends a machine's guests as a power failure does, with the network that they were on. */
  async powerOff(machine: string): Promise<void> {
    const dataDir = this.processes.path(machine);
    for (const pid of guestPids(dataDir)) {
      process.kill(pid, 'SIGKILL');
      await until(`guest process ${pid} is gone`, () => !existsSync(`/proc/${pid}`));
    }
    const name = namespaceName(dataDir);
    await exec('ip', ['netns', 'del', name]);
    await exec('ip', ['-n', this.lan.namespace(machine), 'link', 'del', name]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client?.close();
    this.#transport?.close();
    for (const dataDir of this.#dataDirs) {
      for (const pid of guestPids(dataDir)) process.kill(pid, 'SIGKILL');
    }
    const namespaces = this.#dataDirs.map(namespaceName);
    await this.processes[Symbol.asyncDispose]();
    for (const name of namespaces) await exec('ip', ['netns', 'del', name]);
    await this.lan[Symbol.asyncDispose]();
  }
}

/** Processes of QEMU whose files are in that data directory. */
export function guestPids(dataDir: string): number[] {
  return readdirSync('/proc').flatMap(name => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      const isGuest = words[0]!.includes('qemu-system') && words.some(word => word.includes(`${dataDir}/`));
      return isGuest ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}
