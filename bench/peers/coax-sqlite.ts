/** Coax on SQLite; its durability is `synchronous=FULL`, always. The time that indexing behind takes is in its CPU. */
import { caughtUp, openRig } from '../rig.ts';
import { coaxAdapter } from './coax.ts';
import { serve } from './serve.ts';

await serve(async () => coaxAdapter(async () => openRig(), caughtUp));
