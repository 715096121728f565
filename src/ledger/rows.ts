/** A commit as it lies in the database, so that fsck sees damage rather than an exception. */
export interface RawCommitRow {
  readonly msgid: number;
  readonly seq: number;
  readonly id: string;
  readonly body: string;
  /** Parameters after this commit, when they were kept: canonical JSON. */
  readonly snapshot: string | null;
}

/** The columns of a message row that follow from its chain, as text and numbers. */
export interface RawMessageRow {
  readonly msgid: number;
  readonly flow: string;
  readonly planHash: string;
  readonly mode: string;
  readonly cursor: number;
  readonly attempt: number;
  readonly phase: string;
  readonly cause: string | null;
  readonly error: string | null;
  readonly undoError: string | null;
  readonly rewindTo: number | null;
  readonly floor: number;
  readonly base: string;
  readonly trail: string;
  readonly generation: number | null;
  readonly seq: number;
  readonly head: string;
  readonly address: string | null;
  readonly parentMsgid: number | null;
  readonly parentStep: number | null;
  readonly parentBranch: number | null;
  readonly parentGeneration: number | null;
  readonly project: string;
  readonly actor: string;
  readonly labels: string | null;
  readonly trace: string | null;
  readonly created: number;
}
