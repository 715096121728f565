import assert from 'node:assert/strict';
import { exec } from '../../src/linux/process/exec.ts';

/** Where the test itself is on the network. */
const TEST = 254;

/**
 * Machines on a network, as network namespaces: each has an address of its own on one switch, which is a bridge in a
 * namespace, too. The test is on it as well. A cable can be pulled out and put in again.
 */
export class Lan implements AsyncDisposable {
  readonly #name = `cf${process.pid}`;
  /** Apart from that of another test at the same time. */
  readonly #net = `10.${192 + ((process.pid >> 8) & 63)}.${process.pid & 255}`;
  readonly #machines = new Map<string, number>();

  static async open(): Promise<Lan> {
    const lan = new Lan();
    const { switch: bridge } = lan;
    await ip(
      `netns add ${bridge}`,
      `link add ${lan.#name} type veth peer name test netns ${bridge}`,
      `addr add ${lan.#net}.${TEST}/24 dev ${lan.#name}`,
      `link set ${lan.#name} up`,
    );
    await ip(
      `-n ${bridge} link add br0 type bridge`,
      `-n ${bridge} link set br0 up`,
      `-n ${bridge} link set test master br0 up`,
    );
    return lan;
  }

  /** Puts a machine on the network; gives its address. */
  async add(machine: string): Promise<string> {
    const number = this.#machines.size + 1;
    this.#machines.set(machine, number);
    const inside = this.namespace(machine);
    const address = `${this.#net}.${number}`;
    await ip(
      `netns add ${inside}`,
      `-n ${this.switch} link add p${number} type veth peer name eth0 netns ${inside}`,
      `-n ${this.switch} link set p${number} master br0 up`,
      `-n ${inside} addr add ${address}/24 dev eth0`,
      `-n ${inside} link set eth0 up`,
      `-n ${inside} link set lo up`,
    );
    return address;
  }

  namespace(machine: string): string {
    return `${this.#name}-${machine}`;
  }

  get switch(): string {
    return this.namespace('sw');
  }

  /** The command line that runs a program on that machine; the pid stays that of the program. */
  on(machine: string, program: string, args: readonly string[]): [string, string[]] {
    // Not `ip netns exec`: what it mounts anew would hide the namespaces of the machine's guests.
    return ['nsenter', [`--net=/run/netns/${this.namespace(machine)}`, '--', program, ...args]];
  }

  /** Pulls the machine's cable out: nobody is told, packets are lost both ways. */
  async cut(machine: string): Promise<void> {
    await ip(`-n ${this.switch} link set p${this.#machines.get(machine)} down`);
  }

  async mend(machine: string): Promise<void> {
    await ip(`-n ${this.switch} link set p${this.#machines.get(machine)} up`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await exec('ip', ['link', 'del', this.#name]);
    for (const machine of [...this.#machines.keys(), 'sw'])
      await exec('ip', ['netns', 'del', this.namespace(machine)]);
  }
}

async function ip(...commands: string[]): Promise<void> {
  for (const command of commands) {
    const { code, stderr } = await exec('ip', command.split(' '), { timeoutMs: 30_000 });
    assert.equal(code, 0, `ip ${command}: ${stderr}`);
  }
}
