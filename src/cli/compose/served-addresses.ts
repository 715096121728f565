import type { Catalogue } from '../../step/contract.ts';

/** The addresses that this server's worker serves: every module it knows, and `compute@HOST` for each host here. */
export class ServedAddresses {
  readonly #catalogue: Catalogue;
  readonly #hosts: () => readonly string[];
  #modules: readonly string[] = [];
  #names: readonly string[] = [];
  #addresses: readonly string[] = [];

  constructor(catalogue: Catalogue, hosts: () => readonly string[]) {
    this.#catalogue = catalogue;
    this.#hosts = hosts;
  }

  /** The same list as long as nothing has changed. */
  now(): readonly string[] {
    const modules = this.#catalogue.modules();
    const names = this.#hosts();
    if (modules !== this.#modules || names !== this.#names) {
      this.#modules = modules;
      this.#names = names;
      // A step addressed to a host is done by the module's code here on that host's behalf.
      const atHosts = names.flatMap(host => modules.map(module => `${module}@${host}`));
      this.#addresses = [...modules, ...atHosts];
    }
    return this.#addresses;
  }
}
