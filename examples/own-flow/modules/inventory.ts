import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineModule, z } from 'coax';

export default defineModule({
  name: 'inventory',
  about: 'What runs where',
  actions: {
    register: {
      about: 'Writes DIR/inventory/SERVICE.json',
      input: z.object({ dir: z.string(), service: z.string(), ip: z.string(), port: z.int() }),
      output: z.object({ url: z.string() }),
      async do({ dir, service, ip, port }, call) {
        await mkdir(join(dir, 'inventory'), { recursive: true });
        const entry = { service, ip, port, madeBy: call.key };
        await writeFile(join(dir, 'inventory', `${service}.json`), JSON.stringify(entry));
        return { url: `http://${service}:${port}/` };
      },
      async undo({ dir, service }, _output, call) {
        const file = join(dir, 'inventory', `${service}.json`);
        const entry = JSON.parse(await readFile(file, 'utf8').catch(() => '{}'));
        if (entry.madeBy === call.key) await rm(file);
      },
    },
  },
});
