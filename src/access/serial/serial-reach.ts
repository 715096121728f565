import type { VmView } from '../../cloud/cloud.ts';
import {
  dropSerial,
  holdSerial,
  type SerialHolder,
  serialHolder,
} from '../../cloud/serial/serial-holders.ts';
import { CoaxError } from '../../errors/coax-error.ts';
import { localLines } from '../../serial/guest-line.ts';
import type { LineSource } from '../../serial/serial-line.ts';
import type { ServerEnd } from '../../serial/server-end.ts';
import { type Attachment, SharedLines, type Watcher } from '../../serial/shared-line.ts';
import type { Services } from '../services.ts';

/** Where the serial line of a VM is reached: from here, or at another server. */
export type SerialPlace =
  | { readonly kind: 'here'; readonly uuid: string; readonly source: LineSource }
  | { readonly kind: 'server'; readonly holder: SerialHolder };

type Needs = Pick<Services, 'store' | 'cloud' | 'name'>;

/**
 * The way to the guests' serial lines: this server's own guests, those of hosts whose agents are connected here, and those
 * that another server on the store reaches.
 */
export class SerialReach {
  readonly #needs: Needs;
  readonly #shared = new SharedLines();
  readonly #agents = new Map<string, ServerEnd>();
  /** Null until it is known where others reach this server. */
  #url: string | null = null;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Tells the other servers on the store of the guests here, and where they reach this server. */
  async announce(url: string): Promise<void> {
    this.#url = url;
    const { store, cloud } = this.#needs;
    if (!store.capabilities.shared) return;
    for (const host of [...cloud.serialHosts(), ...this.#agents.keys()]) await this.#hold(host);
  }

  async close(): Promise<void> {
    const { store, name } = this.#needs;
    if (this.#url !== null && store.capabilities.shared) await dropSerial(store, name);
  }

  /** The agent of a host is connected here. Returns what ends it; the newest connection counts. */
  async connected(host: string, end: ServerEnd): Promise<() => Promise<void>> {
    this.#agents.get(host)?.close('the host has connected anew');
    this.#agents.set(host, end);
    await this.#hold(host);
    return async () => {
      end.close('the agent of the host is not connected any more');
      if (this.#agents.get(host) !== end) return;
      this.#agents.delete(host);
      const { store, name } = this.#needs;
      if (store.capabilities.shared) await dropSerial(store, name, host);
    };
  }

  /** Errors: COAX_HYPERVISOR when it has no serial line, or none that is reached now. */
  async find(vm: VmView, relayed: boolean): Promise<SerialPlace> {
    const { cloud } = this.#needs;
    const { uuid } = vm;
    if (uuid === null) throw unreached(vm, 'it is not made yet');
    if ((await cloud.serialSocket(vm.name)) !== null) return { kind: 'here', uuid, source: this.#own(vm) };
    const agent = this.#agents.get(vm.host);
    if (agent !== undefined) return { kind: 'here', uuid, source: agent };
    if (vm.simulated) throw unreached(vm, 'its hypervisor is simulated');
    if (cloud.serialHosts().includes(vm.host)) throw unreached(vm, 'it is stopped');
    const holder = relayed ? null : await this.elsewhere(vm);
    if (holder !== null) return { kind: 'server', holder };
    throw unreached(vm, `the agent of host ${vm.host} is not connected to any server`);
  }

  /** What it has shown last, when that is known from here; empty otherwise. */
  async tail(vm: VmView, bytes: number): Promise<string> {
    const own = await this.#needs.cloud.consoleTail(vm.name, bytes);
    const agent = this.#agents.get(vm.host);
    return own !== '' || vm.uuid === null || agent === undefined ? own : await agent.tail(vm.uuid, bytes);
  }

  /** The other server that reaches the guests of the VM's host, if one does. */
  async elsewhere({ host, simulated }: VmView): Promise<SerialHolder | null> {
    const { cloud, store, name } = this.#needs;
    if (simulated || this.#agents.has(host) || cloud.serialHosts().includes(host)) return null;
    const holder = await serialHolder(store, host);
    return holder?.server === name ? null : holder;
  }

  /** Watches a line that is reached from here. */
  watch(place: SerialPlace & { kind: 'here' }, watcher: Watcher, scrollback: number): Promise<Attachment> {
    return this.#shared.attach(place.uuid, place.source, watcher, scrollback);
  }

  #own({ name }: VmView): LineSource {
    const { cloud } = this.#needs;
    return localLines({
      serialSocket: () => cloud.serialSocket(name),
      consoleTail: (_uuid, bytes) => cloud.consoleTail(name, bytes),
    });
  }

  async #hold(host: string): Promise<void> {
    const { store, name } = this.#needs;
    if (store.capabilities.shared && this.#url !== null)
      await holdSerial(store, host, { server: name, url: this.#url });
  }
}

function unreached({ name }: VmView, reason: string): CoaxError {
  return new CoaxError('COAX_HYPERVISOR', `${name} has no serial line now: ${reason}`, {
    where: name,
    hint: `\`coax vm show ${name}\` tells its state and host.`,
  });
}
