import type { Json, Step } from '../message/message.ts';

export type TypeName = 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object' | 'null';

/** The part of JSON Schema (draft 2020-12) that a flow's parameter may use. */
export interface ParameterSchema {
  readonly type?: TypeName | readonly TypeName[];
  readonly enum?: readonly Json[];
  readonly const?: Json;
  /** Only of a parameter itself, not inside one: with it the parameter may be left out. */
  readonly default?: Json;
  readonly description?: string;
  /** Only ciphertext of it is kept; steps that declare it are given it in the clear. */
  readonly secret?: true;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly items?: ParameterSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: { readonly [name: string]: ParameterSchema };
  readonly required?: readonly string[];
}

export type ParameterSchemas = { readonly [name: string]: ParameterSchema };

/** Where something stands in a flow's file; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A named plan with a parameter schema. Made by `parseFlow` or `defineFlow` only. */
export interface FlowDefinition {
  readonly name: string;
  /** One line for people; empty if it has none. */
  readonly about: string;
  /** JSON Schema properties; a parameter is required unless it has a default. */
  readonly parameters: ParameterSchemas;
  /** The plan's steps, written out in full (timeouts, retries); `planOf` adds the hashes of their code. */
  readonly steps: readonly Step[];
  /** File it was read from, or null. */
  readonly file: string | null;
  /** The text it was read from, or null when it came from TypeScript. */
  readonly source: string | null;
  /** JSON pointer of everything its author wrote → its place in the file; null when it came from TypeScript. */
  readonly places: ReadonlyMap<string, Place | null>;
}
