import { exec, findProgram } from '../process/exec.ts';

const MAN_MS = 5000;
const LINES = 12;

/** The first lines of a function's manual page, where manual pages are installed; empty otherwise. */
export async function manSummary(name: string): Promise<string> {
  if (findProgram('man') === null || !/^[a-z]\w*$/i.test(name)) return '';
  const env = { PATH: '/usr/bin:/bin', MANPAGER: 'cat', MANWIDTH: '100', MANOPT: '--nh --nj', LC_ALL: 'C' };
  for (const section of ['2', '3']) {
    const { code, stdout } = await exec('man', [section, name], { timeoutMs: MAN_MS, env });
    if (code !== 0) continue;
    const lines = stdout
      .split(/^ATTRIBUTES/m)[0]!
      .replace(/.\u0008/g, '')
      .split('\n');
    const description = lines.findIndex(line => line.startsWith('DESCRIPTION'));
    return lines
      .slice(description + 1, description + 1 + LINES)
      .map(line => line.trim())
      .join('\n')
      .trim();
  }
  return '';
}
