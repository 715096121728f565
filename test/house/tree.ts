import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

export interface SourceFile {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** One thing that is against the rules of the house. */
export interface HouseFault {
  readonly where: string;
  readonly reason: string;
}

const isHidden = (name: string): boolean => name.startsWith('.') && name !== '.ci';

/** Every file beneath these folders, sorted by path; what was installed or built is not ours. */
export function filesBeneath(...folders: readonly string[]): SourceFile[] {
  const found: SourceFile[] = [];
  const open = folders.map(folder => join(ROOT, folder));
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const file = join(folder, entry.name);
      if (isHidden(entry.name) || entry.name === 'node_modules' || entry.name === 'dist') continue;
      if (entry.isDirectory()) open.push(file);
      else if (entry.isFile()) found.push({ path: relative(ROOT, file), text: readFileSync(file, 'utf8') });
    }
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

export const CODE_FOLDERS = ['src', 'test', 'bench', 'scripts', 'examples', 'web'] as const;

/** All TypeScript of the project. */
export function codeFiles(): SourceFile[] {
  return filesBeneath(...CODE_FOLDERS).filter(({ path }) => /\.tsx?$/.test(path));
}

export const isTest = ({ path }: SourceFile): boolean => path.endsWith('.test.ts');

export const linesOf = (faults: readonly HouseFault[]): string =>
  faults.map(({ where, reason }) => `${where}: ${reason}`).join('\n');
