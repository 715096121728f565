/**
 * What Coax asks of a hypervisor on one host. Guests outlive the process that started them: every call finds a guest
 * by its uuid anew, so a restarted server adopts what runs.
 *
 * Every method is safe to repeat. An abort may leave a call half done, for somebody else may own the guest by then; the
 * next create adopts or cleans what is there, destroy removes it. Errors: COAX_HYPERVISOR, COAX_TOOL_MISSING,
 * COAX_NOT_FOUND from what needs a guest that is there, and the reason of `signal`.
 *
 * src/testing/hypervisor-conformance.ts checks every promise of this file.
 */
export interface Hypervisor {
  /** `qemu` or `simulated`; shown in every listing. */
  readonly kind: 'qemu' | 'simulated';
  /** `kvm`, `tcg` or `none`; `tcg` for as long as a probe of KVM runs. */
  readonly accelerator: string;
  /**
   * Starts the guest, or finds it running already with that uuid; returns when its process answers, before it has booted.
   * Boots a stopped one. Refuses a running one of another spec.
   */
  create(spec: GuestSpec, signal: AbortSignal): Promise<Guest>;
  /** Ends the guest's process and removes all its files and its tap. Does nothing if there is none. */
  destroy(uuid: string, signal: AbortSignal): Promise<void>;
  /** Boots a stopped guest again from its kept spec. */
  start(uuid: string, signal: AbortSignal): Promise<Guest>;
  /** Powers down: ACPI first, then by force after `graceMs` (0: at once). Keeps the spec and files. */
  stop(uuid: string, graceMs: number, signal: AbortSignal): Promise<Guest>;
  /** Resets a running guest; its process stays. */
  reboot(uuid: string, signal: AbortSignal): Promise<Guest>;
  /** The guest as it is now, or null. */
  find(uuid: string): Promise<Guest | null>;
  /** Every guest of this data directory, running or stopped. */
  list(): Promise<readonly Guest[]>;
  /** What the guest's serial console has shown: the last `bytes` of its log. */
  consoleTail(uuid: string, bytes: number): Promise<string>;
}

export interface GuestSpec {
  readonly uuid: string;
  /** DNS label, 1 to 63 characters. */
  readonly name: string;
  readonly cpu: number;
  readonly memMib: number;
  readonly network: GuestNetwork;
  /** msgid of the message that made it. */
  readonly msgid: number;
}

/** `tap`: an address of its own on the bridge. `user`: QEMU's user-mode network, the guest's port 80 on `ip`:`hostPort`. */
export interface GuestNetwork {
  readonly mode: 'tap' | 'user';
  readonly ip: string;
  /** Prefix length of the subnet. */
  readonly prefix: number;
  readonly gateway: string;
  readonly mac: string;
  /** Port on the host side that answers for the guest's port 80; 80 itself on a tap. */
  readonly httpPort: number;
}

export interface Guest {
  readonly uuid: string;
  readonly name: string;
  readonly state: 'running' | 'stopped' | 'paused';
  readonly pid: number | null;
  readonly spec: GuestSpec;
  /** `http://ADDRESS[:PORT]/` of the page the stock guest serves. */
  readonly url: string;
  readonly serialSocket: string | null;
}
