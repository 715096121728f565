import { useNavigate, useSearch } from '@tanstack/react-router';

/** What is picked on a page, as its address has it: a link shows the same, and Back returns to what was shown before. */
export interface Shown {
  readonly tab?: string;
  /** Index of a step of the message's plan. */
  readonly step?: number;
}

/** Reads an address; what is none of ours is passed over. */
export function readShown({ tab, step }: Record<string, unknown>): Shown {
  return {
    ...(typeof tab === 'string' && /^[a-z]{1,20}$/.test(tab) && { tab }),
    ...(typeof step === 'number' && Number.isInteger(step) && step >= 0 && { step }),
  };
}

/** What the address says is picked, and how another is picked: a new address, on the same place of the page. */
export function useShown(): readonly [
  Shown,
  (change: { [Name in keyof Shown]: Shown[Name] | undefined }) => void,
] {
  const shown = readShown(useSearch({ strict: false }) as Record<string, unknown>);
  const navigate = useNavigate();
  const pick = (change: { [Name in keyof Shown]: Shown[Name] | undefined }): void =>
    void navigate({ to: '.', search: readShown({ ...shown, ...change }), resetScroll: false });
  return [shown, pick];
}

/** The tab that is shown, of these; the first, which is shown where nothing is picked, stands in no address. */
export function useTab<Name extends string>(
  names: readonly [Name, ...(readonly Name[])],
): readonly [Name, (name: Name) => void] {
  const [{ tab }, pick] = useShown();
  const shown = names.find(name => name === tab) ?? names[0];
  return [shown, name => pick({ tab: name === names[0] ? undefined : name })];
}
