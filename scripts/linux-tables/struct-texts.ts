import { split } from '../../src/linux/native/header/c-text.ts';

export interface StructText {
  /** As C names it: `struct stat`, or a typedef. */
  readonly type: string;
  readonly fields: readonly FieldText[];
}

interface FieldText {
  /** With dots for what lies in a union or struct that has a name. */
  readonly name: string;
  readonly isArray: boolean;
  /** `pointer`, or the struct that it is; null where the compiler tells. */
  readonly kind: string | null;
}

/** Structs with their fields; of unions and structs without a name the members are fields. */
export function structsOf(declarations: readonly string[]): StructText[] {
  const found: StructText[] = [];
  for (const declaration of declarations) {
    const tagged = /^(?:typedef )?struct (\w+) ?\{(.*)\}/s.exec(declaration);
    const typedef = /^typedef struct \w* ?\{(.*)\} ?(\w+)$/s.exec(declaration);
    if (tagged) found.push({ type: `struct ${tagged[1]}`, fields: fieldsOf(tagged[2]!) });
    else if (typedef) found.push({ type: typedef[2]!, fields: fieldsOf(typedef[1]!) });
  }
  return found.filter(({ fields }) => fields.length > 0);
}

function fieldsOf(body: string): FieldText[] {
  return split(body, ';').flatMap(line => {
    const inner = /^(?:struct|union) ?\w* ?\{(.*)\} ?([\w\s,*[\]]*)$/s.exec(line);
    if (inner) {
      const names = split(inner[2]!, ',');
      if (names.length === 0) return fieldsOf(inner[1]!);
      return names.flatMap(name => {
        const whole = { name: bare(name), isArray: name.includes('['), kind: null };
        if (whole.isArray) return [whole];
        return [
          whole,
          ...fieldsOf(inner[1]!).map(field => ({ ...field, name: `${whole.name}.${field.name}` })),
        ];
      });
    }
    if (line.includes('(') || line.includes(':')) return [];
    const [first = '', ...others] = split(line, ',');
    const match = /^(.*[\s*])(\w+ ?(?:\[.*\])?)$/s.exec(first);
    if (match === null) return [];
    const struct = /^(?:const )?(struct \w+) $/.exec(match[1]!)?.[1] ?? null;
    const kind = match[1]!.includes('*') ? 'pointer' : struct;
    return [match[2]!, ...others].map(name => ({
      name: bare(name),
      isArray: name.includes('['),
      kind: name.includes('*') ? 'pointer' : kind,
    }));
  });
}

const bare = (name: string): string => /\w+/.exec(name)![0];
