/** The hint for what no command can mend. */
export const REPORT = 'Nothing mends this by itself; report it with the output of `coax fsck -o json`.';

/** A place where the cloud's books do not agree with each other, or with what the hypervisors here run. */
export interface FsckFault {
  readonly kind: FaultKind;
  /** The row or the guest: `host sim-1`, `address 10.77.0.11`, `vm web-1`, `guest UUID`. */
  readonly where: string;
  readonly reason: string;
  /** What to do. */
  readonly hint: string;
}

export type FaultKind =
  /** A host's used figures are not the sum of its claims, or more than it has. */
  | 'capacity'
  /** An address outside of its network, or free and taken at once, or neither. */
  | 'address'
  /** A VM without its claim or its address, or with a mark of use for a VM that is gone. */
  | 'vm'
  /** Something is held by a message that was rolled back, or that does not exist. */
  | 'leak'
  /** What is counted against a project's quota is not what its messages hold. */
  | 'quota'
  /** A guest that no VM stands for. */
  | 'guest-left'
  /** A VM whose host has no such guest. */
  | 'guest-missing';
