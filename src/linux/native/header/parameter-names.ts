import { split } from './c-text.ts';

const TYPES =
  /^(?:void|char|short|int|long|signed|unsigned|float|double|_Bool|bool|const|volatile|struct|union|enum|\w+_t)$/;

/** The names of a prototype's parameters, as its header has them; null when one has none. */
export function parameterNames(prototype: string): string[] | null {
  const inside = prototype.slice(prototype.indexOf('(') + 1, prototype.lastIndexOf(')'));
  const names = split(inside, ',')
    .filter(parameter => parameter !== 'void')
    .map(parameter => /[\s*](\w+)(?:\[\w*\])*$/.exec(parameter)?.[1]);
  return names.every((name): name is string => name !== undefined && !TYPES.test(name)) ? names : null;
}
