import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import type { ProcessSpec } from './process-spec.ts';

/** Linux's MAX_ARG_STRLEN: one argument or variable with its final NUL. Source: execve(2). */
const ARGUMENT_MAX_BYTES = 131_072;
/** As much of the first line as the kernel reads. Source: execve(2), "Interpreter scripts". */
const FIRST_LINE_BYTES = 256;
/** The system is short of something, or the file is just being written: another time it may work. */
const TRANSIENT = new Set(['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE', 'ETXTBSY', 'EIO']);

export interface StartFault {
  readonly reason: string;
  readonly transient: boolean;
}

/** What is wrong with a specification before anything is started, or null. */
export function faultOfSpec(spec: ProcessSpec): string | null {
  if (!spec.program.startsWith('/')) return `${spec.program}: the program's path must be absolute`;
  if (spec.program.includes('\0'))
    return `the program's path has a NUL character: ${printable(spec.program)}`;
  if (spec.cwd.includes('\0')) return `the working directory has a NUL character: ${printable(spec.cwd)}`;
  for (const [index, arg] of spec.args.entries()) {
    if (arg.includes('\0')) return `argument ${index + 1} has a NUL character, which no argument can hold`;
  }
  for (const [name, value] of Object.entries(spec.env)) {
    if (name === '' || name.includes('=') || name.includes('\0'))
      return `${printable(name)} cannot be the name of an environment variable`;
    if (value.includes('\0')) return `the variable ${name} has a NUL character, which no variable can hold`;
  }
  return null;
}

/**
 * Why a start failed with that system error. The kernel says ENOENT for a missing program, interpreter or working
 * directory alike, so this looks which it was.
 */
export function explainStart(spec: ProcessSpec, error: NodeJS.ErrnoException): StartFault {
  const code = error.code ?? '';
  if (code === 'E2BIG') return { reason: explainTooBig(spec), transient: false };
  const reason = faultOfStart(spec) ?? `${spec.program}: ${error.message || code}`;
  return { reason, transient: TRANSIENT.has(code) };
}

/** What keeps a program from being started in its working directory, as can be seen without trying; or null. */
export function faultOfStart(spec: ProcessSpec): string | null {
  return faultOfFolder(spec.cwd) ?? faultOfProgram(spec.program);
}

/**
 * What keeps a file from being started as a program, or null. A file that is neither a binary nor begins with `#!` is a
 * fault too: libc would hand it to sh, where an empty file "succeeds".
 */
export function faultOfProgram(path: string): string | null {
  const missing = faultOfFile(path, path);
  if (missing) return missing;
  let first: string;
  try {
    first = readFirstBytes(path);
  } catch {
    return null; // may be started without being readable
  }
  if (first.startsWith('\x7fELF')) return null;
  if (first === '') return `${path} is empty`;
  if (!first.startsWith('#!'))
    return `${path} begins neither with #! nor as a binary program; add a line such as #!/bin/sh`;
  const line = first.slice(2).split('\n', 1)[0]!;
  if (line.endsWith('\r'))
    return `${path}: the first line ends in a carriage return (Windows line ends); save the file with Unix line ends`;
  const interpreter = line.trim().split(/[ \t]/, 1)[0]!;
  if (interpreter === '') return `${path}: the first line, #!, names no interpreter`;
  return faultOfFile(interpreter, `${path}: the interpreter ${interpreter} of the first line`);
}

function faultOfFile(path: string, name: string): string | null {
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) return `${name} is a folder, not a program`;
    if (!stat.isFile()) return `${name} is not a regular file`;
    accessSync(path, constants.X_OK);
    return null;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return `${name} does not exist`;
    if (code === 'EACCES') return `${name} is not executable; chmod +x ${path}`;
    return `${name} cannot be used: ${code}`;
  }
}

function faultOfFolder(path: string): string | null {
  try {
    if (!statSync(path).isDirectory()) return `the working directory ${path} is not a folder`;
    accessSync(path, constants.X_OK);
    return null;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return `the working directory ${path} does not exist`;
    return `the working directory ${path} cannot be entered: ${code}`;
  }
}

function readFirstBytes(path: string): string {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(FIRST_LINE_BYTES);
    return bytes.toString('latin1', 0, readSync(file, bytes, 0, FIRST_LINE_BYTES, 0));
  } finally {
    closeSync(file);
  }
}

function explainTooBig(spec: ProcessSpec): string {
  for (const [index, arg] of spec.args.entries()) {
    const bytes = Buffer.byteLength(arg);
    if (bytes >= ARGUMENT_MAX_BYTES) return tooBig(spec, `argument ${index + 1} has ${bytes} bytes`);
  }
  let total = 0;
  for (const [name, value] of Object.entries(spec.env)) {
    const bytes = Buffer.byteLength(name) + 1 + Buffer.byteLength(value);
    if (bytes >= ARGUMENT_MAX_BYTES) return tooBig(spec, `the variable ${name} has ${bytes} bytes`);
    total += bytes;
  }
  for (const arg of spec.args) total += Buffer.byteLength(arg);
  return `${spec.program}: arguments and environment have ${total} bytes together, more than the system takes`;
}

function tooBig(spec: ProcessSpec, what: string): string {
  return `${spec.program}: ${what}; the system takes ${ARGUMENT_MAX_BYTES - 1} at most`;
}

function printable(text: string): string {
  return JSON.stringify(text);
}
