/** One end of a guest's serial line, wherever the guest runs. */
export interface SerialLine {
  /** Bytes for the guest. Returns how many were dropped: a guest that does not read its line overruns, as a real one does. */
  write(bytes: Buffer): number;
  /** Stops and goes on reading what the guest writes. */
  pause(): void;
  resume(): void;
  /** Lets go of it; the guest runs on. `onEnd` is not called. */
  close(): void;
}

export interface LineEvents {
  onData(bytes: Buffer): void;
  /** The line is over, and why; told once. */
  onEnd(reason: string): void;
}

/** Where the lines of guests are found, by the guest's uuid. */
export interface LineSource {
  /**
   * Opens a guest's line; what it showed last, `tailBytes` of it, comes first. Errors: COAX_HYPERVISOR when the guest has no
   * line now.
   */
  open(uuid: string, tailBytes: number, events: LineEvents): Promise<SerialLine>;
  /** The last `bytes` of what it has shown; also of a guest that is stopped. */
  tail(uuid: string, bytes: number): Promise<string>;
}
