import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { postgresProgram } from './servers.ts';

/** The systems that were measured and their versions; what is not installed is left out. */
export function versions(): string[] {
  const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const taskflow = ['-c', "import importlib.metadata as m; print(m.version('taskflow'))"];
  return [
    asked('PostgreSQL', postgresProgram('postgres'), ['--version']),
    asked('Redis', 'redis-server', ['--version']),
    asked('TaskFlow', '/usr/bin/python3', taskflow),
    ...Object.entries(dependencies).map(([name, version]) => `${name} ${version}`),
  ].filter(version => version !== null);
}

function asked(name: string, program: string, words: readonly string[]): string | null {
  try {
    return `${name} ${/\d[\d.]*/.exec(execFileSync(program, words, { encoding: 'utf8' }))?.[0]}`;
  } catch {
    return null;
  }
}
