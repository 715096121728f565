import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { Stage } from './stage.ts';

// A transcript is commands (`$ …`), what each must answer, and remarks (`# …`). UPDATE_GOLDEN=1 writes the answers anew.
const update = process.env.UPDATE_GOLDEN === '1';
const names = readdirSync(import.meta.dirname).filter(name => name.endsWith('.txt'));

for (const name of names) {
  it(`transcript ${name.replace('.txt', '').replaceAll('-', ' ')}`, async () => {
    const file = join(import.meta.dirname, name);
    const text = readFileSync(file, 'utf8');
    const played = await play(text);
    if (update) writeFileSync(file, played);
    else assert.equal(played, text, 'UPDATE_GOLDEN=1 writes what came out; read the difference first');
  });
}

async function play(text: string): Promise<string> {
  const stage = new Stage();
  const out: string[] = [];
  try {
    for (const line of text.split('\n')) {
      if (line.startsWith('$ '))
        out.push(line, ...(await stage.play(line.slice(2))).map(answer => `  ${answer}`));
      else if (!line.startsWith('  ')) out.push(line);
    }
  } finally {
    stage.close();
  }
  return out.join('\n');
}
