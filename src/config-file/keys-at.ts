import { z } from 'zod';

/** The keys that a schema has at a path, of every form that may stand there. */
export function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  const at = path.reduce<z.ZodType[]>(
    (forms, key) => forms.flatMap(form => members(form, key)),
    objectsOf(schema),
  );
  return [...new Set(at.flatMap(form => (form instanceof z.ZodObject ? Object.keys(form.shape) : [])))];
}

/** What stands at a key of a form. */
function members(form: z.ZodType, key: PropertyKey): z.ZodType[] {
  if (form instanceof z.ZodObject) return objectsOf(form.shape[String(key)] as z.ZodType | undefined);
  if (form instanceof z.ZodRecord) return objectsOf(form.valueType as z.ZodType);
  if (form instanceof z.ZodArray) return objectsOf(form.element as z.ZodType);
  return [];
}

/** The forms of a schema, without what is around them: a default, that it may be missing, a choice of several. */
function objectsOf(schema: z.ZodType | undefined): z.ZodType[] {
  if (schema === undefined) return [];
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodNullable)
    return objectsOf(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(option => objectsOf(option as z.ZodType));
  if (schema instanceof z.ZodPipe) return objectsOf(schema.in as z.ZodType);
  return [schema];
}
