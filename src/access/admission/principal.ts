/** Whom a token stands for. */
export interface Principal {
  /** As it stands in the ledger: a person, or `agent/HOST`. */
  readonly actor: string;
  /** The host whose session it is; null for a person, who may do everything. */
  readonly host: string | null;
}
