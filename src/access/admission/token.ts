/** The token of an `Authorization: Bearer …` header (RFC 6750), or null. */
export function bearerOf(header: string | undefined): string | null {
  const match = /^Bearer +([A-Za-z0-9._~+/=-]{1,512})$/i.exec(header ?? '');
  return match?.[1] ?? null;
}
