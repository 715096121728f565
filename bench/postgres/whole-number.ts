/** The number in an argument of a bench, from 1; `usual` without one. Ends the process for anything else. */
export function wholeNumber(what: string, text: string | undefined, usual: number): number {
  const number = text === undefined ? usual : Number(text);
  if (Number.isInteger(number) && number >= 1) return number;
  console.error(
    `${what}: give a whole number from 1, as in ${usual}, or --quick, not ${JSON.stringify(text)}`,
  );
  process.exit(2);
}
