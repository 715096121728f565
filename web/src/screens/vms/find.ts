/** Reads what is looked for from an address; what is none of ours is passed over. */
export function readFind({ find }: Record<string, unknown>): { readonly find?: string } {
  return typeof find === 'string' && find !== '' ? { find } : {};
}
