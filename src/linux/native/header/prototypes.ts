import { split } from './c-text.ts';

/** Types of a call, as src/linux/native/types.ts knows them; null where one is not for calls by name, such as a struct by value. */
export interface Prototype {
  readonly name: string;
  /** As in the header, on one line. */
  readonly text: string;
  readonly result: string;
  readonly parameters: readonly string[];
  readonly variadic: boolean;
}

/** On Linux with 64 bits. */
const BASE: Readonly<Record<string, string>> = {
  void: 'void',
  char: 'i8',
  'signed char': 'i8',
  'unsigned char': 'u8',
  short: 'i16',
  'short int': 'i16',
  'unsigned short': 'u16',
  'unsigned short int': 'u16',
  int: 'i32',
  signed: 'i32',
  unsigned: 'u32',
  'unsigned int': 'u32',
  long: 'i64',
  'long int': 'i64',
  'signed long int': 'i64',
  'unsigned long': 'u64',
  'unsigned long int': 'u64',
  'long unsigned int': 'u64',
  'long long': 'i64',
  'long long int': 'i64',
  'unsigned long long': 'u64',
  'unsigned long long int': 'u64',
  float: 'f32',
  double: 'f64',
  _Bool: 'bool',
};

export function typedefsOf(declarations: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const declaration of declarations) {
    if (!declaration.startsWith('typedef ')) continue;
    const pointer = /\( ?\* ?(\w+) ?\)/.exec(declaration);
    const plain = /^typedef (.+?) ?(\**) ?(\w+)$/s.exec(declaration.replace(/\{.*\}/s, ''));
    if (pointer) found.set(pointer[1]!, 'void *');
    else if (plain) found.set(plain[3]!, `${plain[1]}${plain[2]}`);
  }
  return found;
}

/** Null for what cannot be given or got by value. */
function typeOf(text: string, typedefs: ReadonlyMap<string, string>): string | null {
  if (/\(\*|\( \*|\]/.test(text)) return 'pointer';
  const stars = [...text].filter(char => char === '*').length;
  const bare = text
    .replace(/\*|\b(?:const|volatile)\b/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  if (stars > 0)
    return stars === 1 && bare === 'char' ? (/\bconst\b/.test(text) ? 'string' : 'chars') : 'pointer';
  if (bare in BASE) return BASE[bare]!;
  // Unions that stand for a pointer to any kind of address.
  if (bare === '__SOCKADDR_ARG' || bare === '__CONST_SOCKADDR_ARG') return 'pointer';
  if (bare.startsWith('enum ')) return 'i32';
  if (bare === '__builtin_va_list' || bare === '__gnuc_va_list') return null;
  const meant = typedefs.get(bare);
  if (meant === undefined || meant === bare) return null;
  return meant.startsWith('enum') ? 'i32' : typeOf(meant, typedefs);
}

const PROTOTYPE = /^([\w\s*]+?[\s*])(\w+) ?\((.*)\)$/s;

export function prototypeOf(declaration: string, typedefs: ReadonlyMap<string, string>): Prototype | null {
  if (/^typedef\b|[={]/.test(declaration)) return null;
  const match = PROTOTYPE.exec(declaration);
  if (match === null) return null;
  const [, resultText, name, inside] = match as unknown as [string, string, string, string];
  const result = typeOf(resultText.trim(), typedefs);
  if (result === null) return null;
  const given = split(inside, ',').filter(parameter => parameter !== 'void');
  const variadic = given.at(-1) === '...';
  const parameters = (variadic ? given.slice(0, -1) : given).map(parameter =>
    parameterType(parameter, typedefs),
  );
  if (parameters.includes(null) || parameters.includes('void')) return null;
  const text = declaration
    .replace(/\b__(?=\w)/g, '')
    .replace(/ ?\* ?/g, ' *')
    .replace(/ \(/, '(');
  return { name, text, result, parameters: parameters as string[], variadic };
}

function parameterType(parameter: string, typedefs: ReadonlyMap<string, string>): string | null {
  const behindStar = /^(.*\*) ?(?:const )?\w+$/s.exec(parameter);
  if (behindStar) return typeOf(behindStar[1]!, typedefs);
  const whole = typeOf(parameter, typedefs);
  if (whole !== null) return whole;
  // With the name of the parameter behind the type.
  const named = /^(.*[\s*])\w+$/s.exec(parameter);
  return named ? typeOf(named[1]!.trim(), typedefs) : null;
}
