/** What kind of damage fsck found. */
export type FaultKind =
  /** The commit's id is not the hash of its body. */
  | 'hash'
  /** The body is not the canonical JSON of a commit, or its place disagrees with the row it lies in. */
  | 'body'
  /** Commits are missing, doubled or out of order. */
  | 'order'
  /** A commit's parent is not the commit before it. */
  | 'chain'
  /** The kept parameters are not those that the commits lead to. */
  | 'snapshot'
  /** A commit says something that cannot follow from the ones before. */
  | 'replay'
  /** The message row names another newest commit than the chain has. */
  | 'head'
  /** A column of the message row disagrees with the chain. */
  | 'column'
  /** The plan is missing or is not the one that its hash names. */
  | 'plan'
  /** A commit whose message is gone. */
  | 'orphan'
  /** A msgid that was given, or is named, and has no message. */
  | 'missing'
  /** An allocation that no message that could hold it stands behind. */
  | 'allocation'
  /** An archive file is missing, or is not what was written. */
  | 'archive'
  /** The engine's own check found damage. */
  | 'integrity';

/** One thing that does not verify. */
export interface Fault {
  readonly kind: FaultKind;
  readonly msgid?: number;
  readonly seq?: number;
  /** id of the commit, or hash of the plan. */
  readonly id?: string;
  readonly reason: string;
}
